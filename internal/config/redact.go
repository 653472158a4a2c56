package config

import (
	"log/slog"
	"regexp"
	"strings"
)

const masked = "***"

// loadedSetting is one setting as it was read.
type loadedSetting struct {
	key  string
	text string // fit to print
	from string // "" for a default
}

// Given reports whether the file, a variable or a flag set the key, rather than
// its default.
func (c Config) Given(key string) bool {
	for _, s := range c.loaded {
		if s.key == key {
			return s.from != ""
		}
	}
	return false
}

// String lists the settings as they were read, one a line, without secrets.
func (c Config) String() string {
	var b strings.Builder
	for _, s := range c.loaded {
		b.WriteString(s.key + "=" + s.text + "\n")
	}
	return b.String()
}

// GoString is String, so that %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// LogValue is String as attributes.
func (c Config) LogValue() slog.Value {
	attrs := make([]slog.Attr, len(c.loaded))
	for i, s := range c.loaded {
		attrs[i] = slog.String(s.key, s.text)
	}
	return slog.GroupValue(attrs...)
}

// MarshalText makes encoders that know nothing of secrets print String.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// The parts that hold secrets print none either.

func (p Postgres) String() string { return maskURL(p.URL) }
func (r Redis) String() string    { return maskURL(r.URL) }
func (a API) String() string      { return a.Listen }
func (Secrets) String() string    { return masked }
func (e Egress) String() string {
	if e.Proxy == nil {
		return "no proxy"
	}
	return maskURL(e.Proxy.String())
}

func maskAll(string) string { return masked }

// secretParameter finds a password in a DSN's words or a URL's query.
var secretParameter = regexp.MustCompile(`(?i)([a-z_]*(?:pass|secret|token)[a-z_]*\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*)`)

// maskURL hides the user and password of a URL, and passwords in parameters. It
// goes by the last @, hiding too much rather than too little, because it also has
// to do for URLs that do not parse.
func maskURL(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			s = scheme + "://" + masked + "@" + rest[at+1:]
		}
	}
	return secretParameter.ReplaceAllString(s, "${1}"+masked)
}
