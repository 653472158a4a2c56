package telemetry

import (
	"runtime/debug"
	"strings"
)

// version is set by the linker for a release:
// -ldflags "-X github.com/postrider/postrider/internal/telemetry.version=1.2.3".
var version string

// Version is what this binary is: the version that the linker set, else that of
// the module it was built from, else "dev". It has no leading v.
func Version() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	return moduleVersion(info)
}

// UserAgent is what requests to receivers carry: "Postrider/1.2.3".
func UserAgent() string { return "Postrider/" + Version() }

// moduleVersion knows that a build outside of version control says "(devel)",
// which could not stand in a User-Agent.
func moduleVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	return "dev"
}
