package console

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
)

// eventTypeForm is what stands in the form, as it was typed.
type eventTypeForm struct {
	New bool
	// Version is which state of the type the form was made of; "" for a new one.
	Version                                        string
	Name, Description, Schema, Validation, Example string
	Wrong                                          mistakes
	// Templates are types of a Resource to begin with.
	Resource  string
	Templates []client.EventTypeTemplate
}

// eventTypeFields are those that may have an error.
var eventTypeFields = []string{"name", "description", "schema", "validation", "example"}

// readEventTypeForm reads what was typed; what it means the API says.
func readEventTypeForm(r *http.Request) (*eventTypeForm, client.EventTypeInput, error) {
	var in client.EventTypeInput
	if err := r.ParseForm(); err != nil {
		return nil, in, &problem{Status: http.StatusRequestEntityTooLarge, Title: "That is too large", Detail: "A schema and an example have at most 64 KiB each."}
	}
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := &eventTypeForm{
		Name: text("name"), Description: text("description"), Schema: text("schema"), Validation: text("validation"), Example: text("example"), Version: text("version"), Wrong: mistakes{},
	}
	in.Description, in.Validation = f.Description, client.Validation(f.Validation)
	if f.Schema != "" {
		in.Schema = f.Wrong.readJSON("schema", f.Schema)
	}
	if f.Example != "" {
		in.Example = f.Wrong.readJSON("example", f.Example)
	}
	return f, in, nil
}

func formOfEventType(t *client.EventType) *eventTypeForm {
	f := &eventTypeForm{Version: versionOf(t.UpdatedAt), Wrong: mistakes{}}
	f.begin(&client.EventTypeTemplate{Name: t.Name, Description: t.Description, Schema: t.Schema, Validation: t.Validation, Example: t.Example})
	return f
}

// begin fills the form in.
func (f *eventTypeForm) begin(t *client.EventTypeTemplate) {
	f.Name, f.Description, f.Validation = t.Name, t.Description, string(t.Validation)
	f.Schema, f.Example = editable(t.Schema), editable(t.Example)
}

// editable is all of it, with indents where it can have them.
func editable(raw []byte) string {
	shown := newShownJSON(raw)
	if shown == nil {
		return ""
	}
	return cmp.Or(shown.Pretty, string(raw))
}

func (f *eventTypeForm) show(v *visit, status int) error {
	title := "New event type"
	v.at(crumb{"Event types", v.Home() + "/event-types"})
	if !f.New {
		title = "Edit " + f.Name
		v.at(crumb{"Event types", v.Home() + "/event-types"}, crumb{f.Name, v.Home() + "/event-types/" + f.Name})
	}
	return v.renderAs(status, "event-type-form", title, f)
}
