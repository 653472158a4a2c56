package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/postrider/postrider/client"
)

// verifyForm is what a receiver got, as it was pasted, and what that comes to. The
// secret it is judged by stays behind the API.
type verifyForm struct {
	Attempt               int
	Got, Body, ReceivedAt string
	Verdict               *client.SignatureVerdict
	Error                 string
}

// Title is the verdict in short.
func (f *verifyForm) Title() string {
	if f.Verdict == nil || f.Verdict.Mistake == nil {
		return "It verifies"
	}
	return signatureMistakes[*f.Verdict.Mistake]
}

var signatureMistakes = map[client.Mistake]string{
	client.MistakeInvalidSecret: "The secret is none", client.MistakeNoSecret: "There is no secret", client.MistakeMissingHeader: "A header is missing",
	client.MistakeMalformedHeader: "A header is malformed", client.MistakeTooOld: "The timestamp is too old", client.MistakeTooNew: "The timestamp is in the future",
	client.MistakeHeaderChanged: "A signed header changed", client.MistakeBodyChanged: "The body changed", client.MistakeWrongSecret: "Wrong secret",
	client.MistakeWrongScheme: "The wrong thing is signed", client.MistakeTruncated: "The signature is cut off", client.MistakeMalformedEvent: "The body is no event",
	client.MistakeMismatch: "It does not match", client.MistakeUnknown: "It does not verify",
}

// verifyDelivery answers with the verdict alone where it was asked for from within
// the page.
func verifyDelivery(v *visit) error {
	f := readVerifyForm(v.r)
	in, err := f.input()
	if err == nil {
		err = f.judge(v, in)
	}
	if err != nil && !f.refused(err) {
		return err
	}
	if v.r.Header.Get("HX-Request") != "" {
		return v.fragment("delivery", "verdict", f)
	}
	p, err := readDelivery(v)
	if err != nil {
		return err
	}
	p.Form = f
	return p.show(v, http.StatusOK)
}

func (f *verifyForm) judge(v *visit, in client.VerifyInput) error {
	got, err := v.api.Deliveries.Verify(v.ctx(), v.pathID(), in)
	if err == nil {
		f.Verdict = &got
	}
	return err
}

// refused says what can't be judged beside the form. Everything else is an error page.
func (f *verifyForm) refused(err error) bool {
	var p *problem
	var e *client.Error
	switch {
	case errors.As(err, &p):
		f.Error = p.Detail
	case errors.As(err, &e) && len(e.Errors) > 0:
		f.Error = strings.TrimPrefix(e.Errors[0].Pointer, "/") + " " + e.Errors[0].Detail
	case errors.As(err, &e) && (e.Status == http.StatusConflict || e.Status == http.StatusUnprocessableEntity):
		f.Error = e.Detail
	default:
		return false
	}
	return true
}

// readVerifyForm undoes what a form does to line breaks: it sends all as CR LF.
func readVerifyForm(r *http.Request) *verifyForm {
	text := func(name string) string { return strings.ReplaceAll(r.PostFormValue(name), "\r\n", "\n") }
	n, _ := strconv.Atoi(text("attempt"))
	return &verifyForm{Attempt: n, Got: text("got"), Body: text("body"), ReceivedAt: strings.TrimSpace(text("received_at"))}
}

// input reads headers, a whole request or a signature alone.
func (f *verifyForm) input() (client.VerifyInput, error) {
	in := client.VerifyInput{Attempt: f.Attempt}
	got := strings.TrimSpace(f.Got)
	switch {
	case got == "":
	case strings.HasPrefix(got, "{"):
		if in.Headers = headersOfJSON(got); in.Headers == nil {
			return in, &problem{Detail: "These headers are no JSON object of texts."}
		}
	case !strings.Contains(got, ":"):
		in.Signature = got
	default:
		if err := pasted(f.Got, &in); err != nil {
			return in, err
		}
	}
	if f.Body != "" {
		in.Body = &f.Body
	}
	if f.ReceivedAt == "" {
		return in, nil
	}
	var err error
	if in.ReceivedAt, err = clockTime(f.ReceivedAt); err != nil {
		return in, &problem{Detail: "The receiver's clock is a time such as 2024-01-15T10:30:00Z, or seconds since 1970."}
	}
	return in, nil
}
