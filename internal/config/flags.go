package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

const (
	configFlag  = "config"
	helpFlag    = "help"
	versionFlag = "version"
)

// ErrHelp and ErrVersion are what Load returns for --help and --version: print
// Usage, or the version, and exit with 0.
var (
	ErrHelp    = errors.New("help requested")
	ErrVersion = errors.New("version requested")
)

// RegisterFlags adds a flag for every key, and --config, to a command's flags.
func RegisterFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.String(configFlag, "", "configuration `file`, which must exist (default "+DefaultFile+" if present)")
	for i := range settings {
		s := &settings[i]
		flags.String(s.Key, "", s.flagUsage())
		if s.isBool {
			flags.Lookup(s.Key).NoOptDefVal = "true"
		}
	}
}

// parseFlags is for the servers, which have no sub-commands.
func parseFlags(args []string, role Role) (*pflag.FlagSet, error) {
	flags := pflag.NewFlagSet(string(role), pflag.ContinueOnError)
	RegisterFlags(flags)
	flags.BoolP(helpFlag, "h", false, "print this help")
	flags.Bool(versionFlag, false, "print the version")
	if err := flags.Parse(args); err != nil {
		return nil, explainFlag(err)
	}
	switch {
	case flags.Changed(helpFlag):
		return nil, ErrHelp
	case flags.Changed(versionFlag):
		return nil, ErrVersion
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q: a setting is written --key=value", flags.Arg(0))
	}
	return flags, nil
}

func explainFlag(err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w%s", err, didYouMean("--", unknown.GetSpecifiedName(), keys()))
	}
	return err
}

// flagUsage is the line of --help: the meaning, the default unless it is none,
// and the variable. pflag would take a back-quoted word for the value's name.
func (s *Setting) flagUsage() string {
	usage := strings.ReplaceAll(s.Meaning, "`", "")
	if def := s.Default(); def != none {
		usage += " (default " + def + ")"
	}
	return usage + " [$" + s.Env() + "]"
}

// Usage is the text of --help for a server.
func Usage(role Role) string {
	flags := pflag.NewFlagSet(string(role), pflag.ContinueOnError)
	RegisterFlags(flags)
	flags.BoolP(helpFlag, "h", false, "print this help")
	flags.Bool(versionFlag, false, "print the version")
	return "Usage: " + string(role) + " [flags]\n\n" +
		"Settings come from " + DefaultFile + " (or --config), then " + EnvPrefix + "* variables, then flags.\n\n" +
		flags.FlagUsagesWrapped(100)
}
