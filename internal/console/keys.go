package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func keysPages() []page {
	const all = inWorkspace + "/keys"
	return []page{
		{method: "GET", path: all, handle: listKeys},
		{method: "GET", path: all + "/new", adminOnly: true, handle: newKey},
		{method: "POST", path: all, adminOnly: true, handle: createKey},
		{method: "POST", path: all + "/{id}/revoke", adminOnly: true, handle: revokeKey},
	}
}

// keysPage is templates/pages/keys.html's.
type keysPage struct {
	Rows []client.Key
	Next *string
	// Own is the key that the reader signed in with, who sees no other; nil for the admin.
	Own *ownKey
}

// ownKey is as much as a session knows of its key.
type ownKey struct {
	ID, Name string
	Scopes   []scopeWords
}

// Words is what a key may do.
func (keysPage) Words(k client.Key) string { return inWords(k.Scopes) }

func listKeys(v *visit) error {
	switch {
	case v.Portal():
		return errNotFound
	case !v.Admin():
		return v.render("keys", "Your API key", keysPage{Own: ownKeyOf(v)})
	}
	all, err := v.api.Keys.List(v.ctx(), string(v.workspace.ID), client.ListOptions{Cursor: v.cursor()})
	if err != nil {
		return err
	}
	return v.render("keys", "API keys", keysPage{Rows: all.Data, Next: all.NextCursor})
}

func ownKeyOf(v *visit) *ownKey {
	k := v.session.Key
	return &ownKey{k.ID.Format(webhook.KeyPrefix), k.Name, slices.DeleteFunc(slices.Clone(scopes), func(s scopeWords) bool { return !v.May(string(s.Scope)) })}
}

// keyForm is templates/pages/key-form.html's.
type keyForm struct {
	Once, Name string
	Given      []string // scopes that are ticked
	Wrong      mistakes
}

// Scopes are all that can be given.
func (*keyForm) Scopes() []scopeWords { return scopes }

// Has says whether a scope is ticked.
func (f *keyForm) Has(s client.Scope) bool { return slices.Contains(f.Given, string(s)) }

func (f *keyForm) show(v *visit, status int) error {
	v.at(crumb{"API keys", v.Home() + "/keys"})
	return v.renderAs(status, "key-form", "New API key", f)
}

func newKey(v *visit) error {
	f := &keyForm{Once: webhook.NewToken(), Wrong: mistakes{}}
	return f.show(v, http.StatusOK)
}

func createKey(v *visit) error {
	f := &keyForm{Once: v.r.PostFormValue("once"), Name: strings.TrimSpace(v.r.PostFormValue("name")), Given: v.r.Form["scopes"], Wrong: mistakes{}}
	// To the API a key without scopes has all of them: none ticked must not mean that.
	if len(f.Given) == 0 {
		f.Wrong.add("scopes", "must be at least one")
		return f.show(v, http.StatusUnprocessableEntity)
	}
	in := client.KeyInput{Name: f.Name}
	for _, s := range f.Given {
		in.Scopes = append(in.Scopes, client.Scope(s))
	}
	k, err := v.api.Keys.Create(onceOf(v, f.Once), string(v.workspace.ID), in)
	if f.Wrong.refused(err, "name", "scopes") {
		f.Once = webhook.NewToken()
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	v.at(crumb{"API keys", v.Home() + "/keys"})
	return v.renderAs(http.StatusCreated, "key-created", "API key created", k)
}

func revokeKey(v *visit) error {
	if err := v.api.Keys.Revoke(v.ctx(), string(v.workspace.ID), v.pathID()); err != nil {
		return err
	}
	return v.redirect("/keys?done=key-revoked")
}
