package webhook

import (
	"fmt"
	"net/http"
)

// Failure says why an answer is no success; both are empty for one that is.
func (r *Response) Failure() (class ErrorClass, detail string) {
	switch {
	case r.Err != nil:
		return r.Err.Class, r.Err.Detail
	case r.StatusCode/100 == 2:
		return "", ""
	}
	detail = fmt.Sprintf("the receiver answered %d", r.StatusCode)
	if text := http.StatusText(r.StatusCode); text != "" {
		detail += " " + text
	}
	if r.StatusCode/100 == 3 && r.Header.Get("Location") != "" {
		detail += "; redirects are not followed, so set the endpoint's URL to the final one"
	}
	return ClassStatus, detail
}
