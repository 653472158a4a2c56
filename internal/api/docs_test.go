package api

import (
	"html"
	"strings"
	"testing"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	doc := newDescription(t)
	raw, err := renderDocs(doc)
	if err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(string(raw))
	has := func(text string) {
		t.Helper()
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	t.Run("LeadsToEveryOperation", func(_ *testing.T) {
		for _, rt := range (&server{}).routes() {
			for _, text := range []string{`href="#` + rt.id + `"`, `<article id="` + rt.id + `">`, rt.summary, rt.path} {
				has(text)
			}
		}
	})
	t.Run("LeadsToEverySchema", func(_ *testing.T) {
		for name := range doc.Components.Schemas.Map() {
			has(`href="#schema-` + name + `"`)
			has(`<section id="schema-` + name + `">`)
		}
	})
	t.Run("EveryLinkWithinLeadsSomewhere", func(t *testing.T) {
		for part := range strings.SplitSeq(page, `href="#`) {
			id, _, _ := strings.Cut(part, `"`)
			if !strings.HasPrefix(part, "<!doctype") && !strings.Contains(page, `id="`+id+`"`) {
				t.Errorf("nothing has the id %q", id)
			}
		}
	})
	t.Run("CommandsAreQuotedForAShell", func(_ *testing.T) {
		has(`curl "$POSTRIDER_URL/v1/event-type-templates?resource=post"`)
		has("curl -X POST \"$POSTRIDER_URL/v1/endpoints\" \\\n  -H \"Authorization: Bearer $POSTRIDER_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{")
		has(`"The blog'\''s search index"`)
	})
	t.Run("ShowsBoundsAndDefaults", func(t *testing.T) {
		for _, text := range []string{"default true", "1 to 10000", "at most 1000 characters", "1 to 1000 items", "required"} {
			has(text)
		}
		if strings.Contains(page, "0x") {
			t.Error("the page shows a pointer")
		}
	})
}
