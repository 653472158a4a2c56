package console

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// functions are what templates may call.
func functions(a *assets) template.FuncMap {
	return template.FuncMap{
		"asset": a.path, "dict": dict, "count": count, "exact": exact, "percent": percent, "millis": millis, "span": span,
		"plural": plural, "stamp": stamp, "utc": utc, "join": strings.Join, "deref": deref,
		"badge": badgeOf, "cause": cause, "short": short, "took": took, "pluralOf": func(n int, noun string) string { return plural(int64(n), noun) },
		"len64": func(s []string) int64 { return int64(len(s)) },
	}
}

// dict is for a template that takes several things.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict takes pairs")
	}
	out := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("a name in dict is no text")
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// count is a number for people: 950, 12.3k, 4.56M.
func count(n int64) string {
	units := []string{"", "k", "M", "G", "T"}
	f, i := float64(n), 0
	for math.Abs(f) >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10)
	}
	digits := 1
	if math.Abs(f) >= 99.95 {
		digits = 0
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', digits, 64), ".0") + units[i]
}

// exact has the digits in groups: 12,345.
func exact(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent is a share from 0 to 1. Only what is whole is called 100 %.
func percent(share *float64) string {
	if share == nil {
		return "–"
	}
	p := *share * 100
	if p > 99.99 && p < 100 {
		return "99.99 %"
	}
	if p > 99 && p < 100 {
		return strconv.FormatFloat(math.Floor(p*100)/100, 'f', 2, 64) + " %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + " %"
}

// millis is a time in milliseconds: 0.4 ms, 87 ms, 1.2 s, 3 min 5 s.
func millis(ms *float64) string {
	if ms == nil {
		return "–"
	}
	switch {
	case *ms < 10:
		return strings.TrimSuffix(strconv.FormatFloat(*ms, 'f', 1, 64), ".0") + " ms"
	case *ms < 999.5:
		return strconv.FormatFloat(*ms, 'f', 0, 64) + " ms"
	case *ms < 59_950:
		return strings.TrimSuffix(strconv.FormatFloat(*ms/1000, 'f', 1, 64), ".0") + " s"
	}
	return span(time.Duration(*ms * float64(time.Millisecond)))
}

// took is how long something was, of whole milliseconds.
func took(ms int64) string {
	f := float64(ms)
	return millis(&f)
}

// span is a time for people, in its two largest units: 3 min 5 s, 2 d 4 h.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	units := []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.of && u.name != "s" {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.of, u.name)
		if i+1 < len(units) {
			if rest := d % u.of / units[i+1].of; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0 s"
}

// plural is a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return exact(n) + " " + stem + "ies"
	}
	return exact(n) + " " + noun + "s"
}

// stamp is a time for a machine, and utc one for people without a script.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// deref takes a text or time that may not be there.
func deref(v any) any {
	switch p := v.(type) {
	case *string:
		if p != nil {
			return *p
		}
		return ""
	case *time.Time:
		if p != nil {
			return *p
		}
		return time.Time{}
	}
	return v
}
