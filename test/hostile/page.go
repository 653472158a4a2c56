package hostile

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// Row is a line of docs/delivery-errors.md: what a receiver does, and what is made
// of it.
type Row struct {
	Does  string
	Class webhook.ErrorClass // empty for what counts as delivered
	// sentence matches the error, or is nil.
	sentence *regexp.Regexp
	text     string
}

// advice is the section whose table is of classes, not of receivers: internal/remedy
// is held to it.
var advice = regexp.MustCompile(`(?ms)^## What to do$.*?^## `)

// Page reads the tables, by what the receiver does.
func Page(t testing.TB) map[string]Row {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	page, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../docs/delivery-errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	classes := map[webhook.ErrorClass]bool{}
	for _, class := range webhook.ErrorClasses() {
		classes[class] = true
	}
	rows := map[string]Row{}
	for line := range strings.Lines(advice.ReplaceAllString(string(page), "")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.HasPrefix(line, "| the receiver |") || strings.HasPrefix(line, "| ---") {
			continue
		}
		row := Row{Does: strings.TrimSpace(cells[0]), text: strings.TrimSpace(cells[2])}
		if class, ok := strings.CutPrefix(cells[1], "`"); ok {
			row.Class = webhook.ErrorClass(strings.TrimSuffix(class, "`"))
			row.sentence = pattern(row.text)
			if !classes[row.Class] {
				t.Errorf("%q: there is no error_class %q", row.Does, row.Class)
			}
		}
		if _, twice := rows[row.Does]; twice {
			t.Errorf("%q is there twice", row.Does)
		}
		rows[row.Does] = row
	}
	if len(rows) < 90 {
		t.Fatalf("only %d rows were found on the page: is it still read as it is written?", len(rows))
	}
	return rows
}

var brace = regexp.MustCompile(`\\\{([a-z]+)\\\}`)

// pattern makes of a sentence with words in braces what it matches.
func pattern(sentence string) *regexp.Regexp {
	known := map[string]string{
		"timeout": `[0-9.]+ s`, "date": `\d{4}-\d\d-\d\d`, "status": `\d{3}(?: [A-Z][A-Za-z' -]+)?`,
		"address": `[0-9a-f.:\[\]]+`, "host": `[0-9a-z.:-]+`, "name": `"[^"]+"`, "names": `[^;()]+`,
	}
	return regexp.MustCompile("^" + brace.ReplaceAllStringFunc(regexp.QuoteMeta(sentence), func(found string) string {
		if p, ok := known[brace.FindStringSubmatch(found)[1]]; ok {
			return p
		}
		return ".+"
	}) + "$")
}

// Check holds an attempt's error to the row.
func (r Row) Check(t testing.TB, class webhook.ErrorClass, detail string) {
	t.Helper()
	switch {
	case class != r.Class:
		t.Errorf("the receiver %s: %s (%q), want %s", r.Does, class, detail, r.Class)
	case r.sentence != nil && !r.sentence.MatchString(detail):
		t.Errorf("the receiver %s:\n%q, want\n%q", r.Does, detail, r.text)
	case r.sentence == nil && detail != "":
		t.Errorf("the receiver %s: %q, want no error", r.Does, detail)
	}
}
