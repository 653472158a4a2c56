package console

import (
	"net/http"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// No name has a slash, so that what stands between two is nobody's.
func eventTypesPages() []page {
	const all = inWorkspace + "/event-types"
	const write = webhook.ScopeEndpointsWrite
	return []page{
		{method: "GET", path: all, scope: webhook.ScopeEndpointsRead, handle: listEventTypes},
		{method: "GET", path: all + "/-/new", scope: write, noPortal: true, handle: newEventType},
		{method: "POST", path: all, scope: write, noPortal: true, handle: createEventType},
		{method: "GET", path: all + "/{name}", scope: webhook.ScopeEndpointsRead, handle: showEventType},
		{method: "GET", path: all + "/{name}/edit", scope: write, noPortal: true, handle: editEventType},
		{method: "POST", path: all + "/{name}/edit", scope: write, noPortal: true, handle: saveEventType},
		{method: "POST", path: all + "/{name}/delete", scope: write, noPortal: true, handle: deleteEventType},
	}
}

const eventTypesOnPage = 50

// eventTypesPage is templates/pages/event-types.html's.
type eventTypesPage struct {
	Rows      []client.EventType
	Next      *string
	CanChange bool
}

// canChangeTypes says whether the reader may change the catalogue. It is the
// producer's: a customer who could make a schema reject would stop what they publish.
func (v *visit) canChangeTypes() bool {
	return v.May(string(webhook.ScopeEndpointsWrite)) && !v.Portal()
}

func listEventTypes(v *visit) error {
	got, err := v.api.EventTypes.List(v.ctx(), client.ListOptions{Limit: eventTypesOnPage, Cursor: v.cursor()})
	if err != nil {
		return err
	}
	return v.render("event-types", "Event types", eventTypesPage{got.Data, got.NextCursor, v.canChangeTypes()})
}

// eventTypePage is templates/pages/event-type.html's.
type eventTypePage struct {
	Type            client.EventType
	Schema, Example *shownJSON
	// Preview is who would get its example, or an empty event of it.
	Preview                           *preview
	CanChange, CanPublish, SeesEvents bool
}

func showEventType(v *visit) error {
	p := &eventTypePage{CanChange: v.canChangeTypes(), CanPublish: v.canPublish(), SeesEvents: v.May(string(webhook.ScopeEventsRead))}
	var err error
	if p.Type, err = v.api.EventTypes.Get(v.ctx(), v.r.PathValue("name")); err != nil {
		return err
	}
	p.Schema, p.Example = newShownJSON(p.Type.Schema), newShownJSON(p.Type.Example)
	event := &publishForm{Type: p.Type.Name, Data: "{}"}
	if p.Example != nil {
		event.Data = string(p.Type.Example)
	}
	if p.Preview, err = newPreview(v.ctx(), v, event); err != nil {
		return err
	}
	v.at(crumb{"Event types", v.Home() + "/event-types"})
	return v.render("event-type", p.Type.Name, p)
}

func newEventType(v *visit) error {
	f := &eventTypeForm{Resource: v.r.URL.Query().Get("resource"), Validation: string(client.ValidationOff), Wrong: mistakes{}, New: true}
	if f.Resource == "" {
		return f.show(v, http.StatusOK)
	}
	var err error
	f.Templates, err = v.api.EventTypes.Templates(v.ctx(), f.Resource)
	if err != nil && !f.Wrong.refused(err, "resource") {
		return err
	}
	for i := range f.Templates {
		if f.Templates[i].Name == v.r.URL.Query().Get("from") {
			f.begin(&f.Templates[i])
		}
	}
	return f.show(v, http.StatusOK)
}

func createEventType(v *visit) error {
	f, in, err := readEventTypeForm(v.r)
	if err != nil {
		return err
	}
	f.New = true
	if !webhook.ValidEventType(f.Name) {
		f.Wrong.add("name", "must be words of A-Za-z0-9_- with dots between, such as post.created, at most 256 characters")
		return f.put(v, in)
	}
	// A PUT would replace the one that there is.
	_, err = v.api.EventTypes.Get(v.ctx(), f.Name)
	if err == nil {
		f.Wrong.add("name", "is in the catalogue already; edit it instead")
	} else if client.CodeOf(err) != client.CodeNotFound {
		return err
	}
	return f.put(v, in)
}

func editEventType(v *visit) error {
	t, err := v.api.EventTypes.Get(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	return formOfEventType(&t).show(v, http.StatusOK)
}

func saveEventType(v *visit) error {
	f, in, err := readEventTypeForm(v.r)
	if err != nil {
		return err
	}
	f.Name = v.r.PathValue("name")
	// Who edits what was deleted meanwhile is to know, and what somebody else changed
	// is not undone: all of it is put.
	is, err := v.api.EventTypes.Get(v.ctx(), f.Name)
	if err != nil {
		return err
	}
	if now := versionOf(is.UpdatedAt); f.Version != now {
		f.Version = now
		f.Wrong.add("", "The event type was changed since you opened this form. What you see is your version; save it again to have it so.")
		return f.show(v, http.StatusConflict)
	}
	if f.Description == inOneLine(is.Description) {
		in.Description = is.Description
	}
	return f.put(v, in)
}

func deleteEventType(v *visit) error {
	if err := v.api.EventTypes.Delete(v.ctx(), v.r.PathValue("name")); err != nil {
		return err
	}
	return v.redirect("/event-types?done=type-deleted")
}

// put keeps what the form says, or says what is wrong with it.
func (f *eventTypeForm) put(v *visit, in client.EventTypeInput) error {
	if len(f.Wrong) > 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	t, err := v.api.EventTypes.Put(v.ctx(), f.Name, in)
	if f.Wrong.refused(err, eventTypeFields...) {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.redirect("/event-types/" + t.Name + "?done=type-saved")
}
