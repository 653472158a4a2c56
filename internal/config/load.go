package config

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Load reads the configuration of a server from postrider.yaml in the working
// directory (or the file that --config names), environ as os.Environ gives it,
// and args without the program's name. Warnings are worth logging; they and the
// error hold no secret. The error names every key that is wrong, or is ErrHelp
// or ErrVersion.
func Load(args, environ []string, role Role) (Config, []string, error) {
	flags, err := parseFlags(args, role)
	if err != nil {
		return Config{}, nil, err
	}
	return FromFlags(flags, environ, role)
}

// FromFlags is Load for a command that has parsed its flags itself, after
// RegisterFlags.
func FromFlags(flags *pflag.FlagSet, environ []string, role Role) (Config, []string, error) {
	return fromFlags("", flags, environ, role)
}

// fromFlags looks for DefaultFile in dir.
func fromFlags(dir string, flags *pflag.FlagSet, environ []string, role Role) (Config, []string, error) {
	named, err := flags.GetString(configFlag)
	if err != nil {
		return Config{}, nil, err
	}
	if named == "" && flags.Changed(configFlag) {
		return Config{}, nil, errors.New("config: must name a file")
	}
	file, err := readFile(dir, named)
	if err != nil {
		return Config{}, nil, err
	}
	env, warnings := readEnviron(environ)

	l := loader{role: role, raw: viper.New(), parsed: map[string]any{}, from: map[string]string{}}
	if err := l.stack(file, env, flags); err != nil {
		return Config{}, warnings, err
	}
	cfg, err := l.config()
	return cfg, warnings, err
}
