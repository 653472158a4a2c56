package config

import (
	"fmt"
	"slices"
	"strings"
)

// commandLine are variables of the commands that talk to a deployment; they are no
// settings of a server, but whoever has them in a shell means no setting by them.
var commandLine = []string{"POSTRIDER_URL", "POSTRIDER_KEY", "POSTRIDER_WORKSPACE", "POSTRIDER_PROFILE"}

// readEnviron picks the settings out of an environment of NAME=value. An empty
// variable counts as not set, since compose files and unit files write
// POSTRIDER_X= for an X that nobody gave. An unknown POSTRIDER_ name is a warning
// only: Kubernetes injects names such as POSTRIDER_API_PORT. Warnings quote no value.
func readEnviron(environ []string) (layer, []string) {
	known := make(map[string]string, len(settings))
	for i := range settings {
		known[settings[i].Env()] = settings[i].Key
	}
	l := newLayer()
	var warnings []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) || value == "" || slices.Contains(commandLine, name) {
			continue
		}
		key, ok := known[name]
		if !ok {
			warnings = append(warnings, fmt.Sprintf("%s: unknown variable, ignored%s", name, didYouMean("", name, envNames())))
			continue
		}
		l.put(key, value, name)
	}
	slices.Sort(warnings)
	return l, warnings
}
