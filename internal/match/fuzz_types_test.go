package match

import (
	"slices"
	"strings"
	"testing"
)

// FuzzTypes holds the set of an endpoint's event types against each of its
// patterns by itself.
func FuzzTypes(f *testing.F) {
	for _, seed := range [][2]string{{"a,b.*,b.c,*", "b.c.d"}, {"post.*,post.created", "post"}, {"a.b.*,a.*", "a.b.c"}, {"a-.*,a.*", "a-.b"}, {"a", "a.b"}, {"*.a", "x.a"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, list, eventType string) {
		patterns := strings.Split(list, ",")
		s, errs := Compile(patterns, nil)
		if want := !slices.ContainsFunc(patterns, func(p string) bool { return !validPattern(p) }) && len(patterns) <= 1000; (errs == nil) != want {
			t.Fatalf("%q: %v, want them accepted: %t", patterns, errs, want)
		}
		if errs != nil || !validPattern(eventType) || strings.Contains(eventType, "*") {
			return
		}
		want := slices.ContainsFunc(patterns, func(p string) bool {
			prefix, isPrefix := strings.CutSuffix(p, "*")
			return p == eventType || isPrefix && strings.HasPrefix(eventType, prefix)
		})
		if s.MatchesType(eventType) != want || s.Match(eventType, nil) != want {
			t.Fatalf("%q for %q is %t, want %t", patterns, eventType, s.MatchesType(eventType), want)
		}
		if r := s.Explain(eventType, nil); (r.Code == NoMismatch) != want || !want && !slices.Contains(patterns, r.NearestType) {
			t.Fatalf("%q for %q: %+v", patterns, eventType, r)
		}
	})
}

func validPattern(pattern string) bool {
	if pattern == "*" {
		return true
	}
	words := strings.Split(strings.TrimSuffix(pattern, ".*"), ".")
	for _, word := range words {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return false
		}
	}
	return len(strings.TrimSuffix(pattern, ".*")) <= 256
}
