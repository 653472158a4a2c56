package console

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
)

func editEndpoint(v *visit) error {
	o, err := v.ofEndpoint(v.ctx(), "/settings")
	if err != nil {
		return err
	}
	f := formOf(&o.Endpoint)
	f.ofEndpoint = o
	return f.settings(v, http.StatusOK)
}

func (f *endpointForm) settings(v *visit, status int) error {
	return v.renderAs(status, "endpoint-settings", f.Title(), f)
}

// saveEndpoint changes what was changed in the form. Where somebody else changed the
// endpoint since the form was opened it asks again: else one would undo what the other did.
func saveEndpoint(v *visit) (err error) {
	f := readEndpointForm(v.r)
	if f.ofEndpoint, err = v.ofEndpoint(v.ctx(), "/settings"); err != nil {
		return err
	}
	in, ok := f.input()
	if !ok {
		return f.settings(v, http.StatusUnprocessableEntity)
	}
	is := formOf(&f.Endpoint)
	if f.Version != is.Version {
		f.Errors[""] = "The endpoint was changed since you opened this form. What you see is your version; save it again to have it so."
		f.Version = is.Version
		return f.settings(v, http.StatusConflict)
	}
	_, err = v.api.Endpoints.Update(v.ctx(), v.pathID(), f.patch(is, &in))
	if f.refused(err) {
		return f.settings(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.redirect(v.endpointPath("/settings?done=saved"))
}

// dropHidden leaves out the values that are to stay as they are: the API knows them.
func (f *endpointForm) dropHidden(in *client.EndpointInput) {
	for name, value := range in.Headers {
		if f.Version != "" && value == masked {
			delete(in.Headers, name)
		}
	}
}

// switchEndpoint leads back to where the button was.
func switchEndpoint(on bool) func(*visit) error {
	done := "?done=disabled"
	if on {
		done = "?done=enabled"
	}
	return func(v *visit) error {
		if _, err := v.api.Endpoints.Update(v.ctx(), v.pathID(), client.EndpointPatch{IsActive: client.Set(on)}); err != nil {
			return err
		}
		if v.r.PostFormValue("from") == "page" {
			return v.redirect(v.endpointPath(done))
		}
		return v.redirect("/endpoints" + done)
	}
}

// deleteWord is what has to be typed before an endpoint is deleted; its URL will do, too.
const deleteWord = "delete"

func deleteEndpoint(v *visit) error {
	o, err := v.ofEndpoint(v.ctx(), "/settings")
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(v.r.PostFormValue("confirm")); typed != deleteWord && typed != o.Endpoint.URL {
		f := formOf(&o.Endpoint)
		f.ofEndpoint, f.NotDeleted = o, "must be the word "+deleteWord+", so that nobody deletes an endpoint by accident"
		return f.settings(v, http.StatusUnprocessableEntity)
	}
	if err := v.api.Endpoints.Delete(v.ctx(), v.pathID()); err != nil {
		return err
	}
	return v.redirect("/endpoints?done=deleted")
}
