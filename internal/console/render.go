package console

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"sync"
)

//go:embed templates
var templateFiles embed.FS

// shell is what every template is given.
type shell struct {
	Visit   *visit
	Title   string
	Version string
	Data    any // the page's own
}

// Crumbs is the way to the page.
func (s *shell) Crumbs() []crumb { return s.Visit.crumbs }

// Toast is what was just done, as the address says.
func (s *shell) Toast() string { return toasts[s.Visit.r.URL.Query().Get("done")] }

// Path is the page's own.
func (s *shell) Path() string { return s.Visit.r.URL.Path }

// Cursor is the page of a list that is shown; "" for the first.
func (s *shell) Cursor() string { return s.Visit.cursor() }

// With is the page's address with one parameter changed, or without it where value is
// "". What was just done is not in it.
func (s *shell) With(name, value any) string {
	query := s.Visit.r.URL.Query()
	query.Del("done")
	switch text := fmt.Sprint(deref(value)); text {
	case "":
		query.Del(fmt.Sprint(name))
	default:
		query.Set(fmt.Sprint(name), text)
	}
	return (&url.URL{Path: s.Path(), RawQuery: query.Encode()}).String()
}

// emptyPart is a part of a page that has nothing yet.
type emptyPart struct{ Title, Text, Command string }

// Empty is for the template of that name. A customer has no command line and publishes
// nothing: they are told the same without the command, or what is for them.
func (s *shell) Empty(title, text, customer, command string) emptyPart {
	if !s.Visit.Portal() {
		return emptyPart{title, text, command}
	}
	return emptyPart{Title: title, Text: cmp.Or(customer, text)}
}

// tab is a part of a page that is large.
type tab struct {
	Text, Href string
	Current    bool
}

// toasts are the texts by their words in an address: only these can be shown.
var toasts = map[string]string{
	"created":  "Endpoint created.",
	"saved":    "Changes saved.",
	"enabled":  "Endpoint enabled. It gets events from now on.",
	"disabled": "Endpoint disabled. New events make no delivery to it.",

	"published":    "Event published.",
	"known":        "There was an event with this id already; nothing was sent.",
	"type-saved":   "Event type saved. It holds for the next event.",
	"type-deleted": "Event type deleted. Its events are published as before, and held against nothing.",
	// A delivery's.
	"retried":           "A fresh schedule has begun.",
	"canceled":          "Delivery canceled.",
	"replayed":          "The event is on its way again.",
	"overtaken":         "It had changed meanwhile: this is how it is now.",
	"deleted":           "Endpoint deleted. What was pending for it is canceled.",
	"promoted":          "The new secret is the only one now.",
	"key-revoked":       "Key revoked. Within 2 seconds it opens nothing any more.",
	"workspace-created": "Workspace created.",
	"workspace-deleted": "Workspace deleted. Its keys stopped working, and its endpoints are gone.",
	"replaying":         "Replay started.",
	"replay-canceled":   "Replay canceled. It makes no more deliveries; those that it made go on.",
}

// view is a page's templates. They are parsed when the page is first shown: all
// pages' take 8 MB of memory, which an API whose console nobody opens does without.
type view struct {
	parsed func() (*template.Template, error)
}

func (v view) whole(w io.Writer, data *shell) error { return v.part(w, "layout", data) }

func (v view) part(w io.Writer, block string, data *shell) error {
	t, err := v.parsed()
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, block, data)
}

// newViews finds the pages. Each is parsed together with the layout and the
// components.
func newViews(a *assets) (map[string]view, error) {
	shared, err := template.New("").Funcs(functions(a)).Option("missingkey=error").ParseFS(templateFiles, "templates/*.html", "templates/components/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the console's templates: %w", err)
	}
	files, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	views := make(map[string]view, len(files))
	for _, file := range files {
		views[strings.TrimSuffix(path.Base(file), ".html")] = view{sync.OnceValues(func() (*template.Template, error) {
			return parseView(shared, file)
		})}
	}
	return views, nil
}

func parseView(shared *template.Template, file string) (*template.Template, error) {
	t, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(templateFiles, file); err != nil {
		return nil, fmt.Errorf("parse the console's %s: %w", file, err)
	}
	if t.Lookup("main") == nil {
		return nil, fmt.Errorf("%s does not define main", file)
	}
	return t, nil
}
