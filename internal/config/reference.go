package config

import (
	"slices"
	"strings"
)

// Reference lists every setting, in the order of the documentation.
func Reference() []Setting { return slices.Clone(settings) }

// Default is the default as documentation shows it: "none" where there is none.
func (s *Setting) Default() string {
	switch {
	case s.sameAs != "":
		return "the same as " + s.sameAs
	case s.defShown != "":
		return s.defShown
	case s.def == "":
		return none
	}
	return s.def
}

// Markdown is the reference as a table, for the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| key | variable | default | meaning |\n| --- | --- | --- | --- |\n")
	for i := range settings {
		s := &settings[i]
		b.WriteString("| `" + s.Key + "` | `" + s.Env() + "` | " + s.markdownDefault() + " | " + s.Meaning + " |\n")
	}
	return b.String()
}

func (s *Setting) markdownDefault() string {
	def := s.Default()
	if def == none || strings.Contains(def, " ") {
		return def
	}
	return "`" + def + "`"
}
