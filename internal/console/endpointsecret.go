package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// secretData is templates/pages/endpoint-secret.html's. Of the secrets it has only
// those that were asked for.
type secretData struct {
	ofEndpoint
	Once                   string // tells one rotation from another
	Shown                  *client.Secret
	Rotated                bool
	Given, Overlap, Failed string
	Overlaps               []overlap
}

// overlap is how long two secrets may go on beside each other.
type overlap struct {
	Seconds int
	Text    string
}

var overlaps = []overlap{
	{0, "not at all: the old one got out"}, {3600, "an hour"}, {86400, "a day"}, {7 * 86400, "a week"}, {30 * 86400, "30 days"},
}

func secretPage(v *visit) error { return v.secret(http.StatusOK, &secretData{}) }

// secret shows the page as the endpoint is now.
func (v *visit) secret(status int, p *secretData) (err error) {
	if p.ofEndpoint, err = v.ofEndpoint(v.ctx(), "/secret"); err != nil {
		return err
	}
	p.Once, p.Overlaps = webhook.NewToken(), overlaps
	if p.Overlap == "" {
		p.Overlap = strconv.Itoa(int((24 * time.Hour).Seconds()))
	}
	return v.renderAs(status, "endpoint-secret", p.Title(), p)
}

// revealSecret is a POST, and its answer the page: a secret stands in no address, and
// who looked at it is in the audit log.
func revealSecret(v *visit) error {
	s, err := v.api.Endpoints.Secret(v.ctx(), v.pathID())
	if err != nil {
		return err
	}
	return v.secret(http.StatusOK, &secretData{Shown: &s})
}

func rotateSecret(v *visit) error {
	p := &secretData{Given: strings.TrimSpace(v.r.PostFormValue("secret")), Overlap: v.r.PostFormValue("overlap")}
	in := client.RotateInput{}
	if p.Given != "" {
		in.Secret = &p.Given
	}
	seconds, err := strconv.Atoi(p.Overlap)
	if err != nil {
		return &problem{Status: http.StatusUnprocessableEntity, Title: "The secret was not rotated", Detail: "The form's overlap is no number of seconds."}
	}
	in.Overlap = &seconds
	ctx := v.ctx()
	if once := v.r.PostFormValue("once"); once != "" { // who loads the answer again rotates nothing
		ctx = client.WithIdempotencyKey(ctx, once)
	}
	rotated, err := v.api.Endpoints.Rotate(ctx, v.pathID(), in)
	if p.Failed = reasonOf(err); p.Failed != "" {
		return v.secret(http.StatusUnprocessableEntity, p)
	}
	if err != nil {
		return err
	}
	return v.secret(http.StatusOK, &secretData{Shown: &client.Secret{Secret: rotated.Secret, ExpiresAt: &rotated.ExpiresAt}, Rotated: true})
}

func promoteSecret(v *visit) error {
	_, err := v.api.Endpoints.Promote(v.ctx(), v.pathID())
	if client.CodeOf(err) == client.CodeConflict { // it has ended by itself meanwhile
		return v.redirect(v.endpointPath("/secret"))
	}
	if err != nil {
		return err
	}
	return v.redirect(v.endpointPath("/secret?done=promoted"))
}

// Rotating says whether two secrets are valid now.
func (p *secretData) Rotating() bool { return p.Endpoint.RotatesUntil != nil }
