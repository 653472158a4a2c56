package config

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// loader turns three sources into one Config.
type loader struct {
	role   Role
	raw    *viper.Viper
	parsed map[string]any    // by key; a key that is none is absent
	from   map[string]string // by key; a key left at its default is absent
}

// stack hands viper the sources, the weakest first. The environment is merged
// over the file instead of bound, since viper would read the process's own.
func (l *loader) stack(file, env layer, flags *pflag.FlagSet) error {
	for i := range settings {
		if def := settings[i].defaultFor(l.role); def != "" {
			l.raw.SetDefault(settings[i].Key, def)
		}
	}
	for _, source := range []layer{file, env} {
		if err := l.raw.MergeConfigMap(nest(source.values)); err != nil {
			return fmt.Errorf("merge configuration: %w", err)
		}
		maps.Copy(l.from, source.from)
	}
	for _, key := range keys() {
		flag := flags.Lookup(key)
		if err := l.raw.BindPFlag(key, flag); err != nil {
			return fmt.Errorf("bind flag --%s: %w", key, err)
		}
		if flag.Changed {
			l.from[key] = "--" + key
		}
	}
	return nil
}

// nest turns worker.concurrency: 5 into worker: {concurrency: 5}, the form that
// viper merges by.
func nest(flat map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range flat {
		section, name, _ := strings.Cut(key, ".")
		inner, ok := out[section].(map[string]any)
		if !ok {
			inner = map[string]any{}
			out[section] = inner
		}
		inner[name] = value
	}
	return out
}

func (l *loader) config() (Config, error) {
	if err := l.parse(); err != nil {
		return Config{}, err
	}
	if err := checkRequired(l.role, l.parsed); err != nil {
		return Config{}, err
	}
	cfg := Config{loaded: l.describe()}
	typed := viper.New()
	for key, value := range l.parsed {
		typed.Set(key, value)
	}
	// Exact: a key of the table that Config has no field for must not get lost.
	if err := typed.UnmarshalExact(&cfg); err != nil {
		return Config{}, fmt.Errorf("decode configuration: %w", err)
	}
	return cfg, cfg.Delivery.settle(l.from)
}

// parse reads every raw value, and reports all that are wrong.
func (l *loader) parse() error {
	var errs []error
	for i := range settings {
		s := &settings[i]
		raw := l.rawValue(s)
		if raw == nil {
			continue
		}
		value, err := s.parse(raw)
		switch {
		case err != nil:
			errs = append(errs, l.badValue(s, raw, err))
		case value != nil:
			l.parsed[s.Key] = value
		}
	}
	for i := range settings {
		s := &settings[i]
		if other, ok := l.parsed[s.sameAs]; ok && l.rawValue(s) == nil {
			l.parsed[s.Key] = other
		}
	}
	return errors.Join(errs...)
}

// rawValue is nil for a setting that has neither a value nor a default of its
// own; viper would answer with the empty text of the flag that was not given.
func (l *loader) rawValue(s *Setting) any {
	if _, given := l.from[s.Key]; given || s.defaultFor(l.role) != "" {
		return l.raw.Get(s.Key)
	}
	return nil
}

// badValue names the key, what it must be, what it is and where that stands.
func (l *loader) badValue(s *Setting, raw any, err error) error {
	got := ""
	if s.mask == nil {
		got = fmt.Sprintf(", got %q", text(raw))
	}
	from := ""
	if where, ok := l.from[s.Key]; ok {
		from = " (" + where + ")"
	}
	return fmt.Errorf("%s: %w%s%s", s.Key, err, got, from)
}

// describe lists what was read, fit to print.
func (l *loader) describe() []loadedSetting {
	out := make([]loadedSetting, 0, len(settings))
	for i := range settings {
		s := &settings[i]
		out = append(out, loadedSetting{key: s.Key, text: l.shown(s), from: l.from[s.Key]})
	}
	return out
}

func (l *loader) shown(s *Setting) string {
	raw := l.rawValue(s)
	switch {
	case raw == nil && s.sameAs != "":
		return l.shown(find(s.sameAs))
	case l.parsed[s.Key] == nil:
		return none
	case s.mask != nil:
		return s.mask(text(raw))
	}
	return text(raw)
}

// text is a raw value as one string.
func text(raw any) string {
	if items, ok := raw.([]string); ok {
		return "[" + strings.Join(items, ",") + "]"
	}
	return fmt.Sprint(raw)
}
