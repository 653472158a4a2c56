package console

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

// unreadable says what is wrong with a request before anybody looks into it; nil for
// nothing. What comes after it may take each value for text that can be stored.
func unreadable(r *http.Request) *problem {
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case r.Method != http.MethodPost, r.ContentLength == 0 && kind == "", kind == "application/x-www-form-urlencoded":
	default:
		return &problem{Status: http.StatusUnsupportedMediaType, Title: "This is no form", Detail: "Forms are sent as application/x-www-form-urlencoded."}
	}
	var large *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &large):
		return &problem{Status: http.StatusRequestEntityTooLarge, Title: "This is too large", Detail: "A form may have " + exact(large.Limit) + " bytes."}
	case err != nil:
		return &problem{Status: http.StatusBadRequest, Title: "This can’t be read", Detail: "The address or the form is malformed."}
	}
	if !readable(r.URL.Path) || !readableForm(r.Form) {
		return &problem{Status: http.StatusBadRequest, Title: "This can’t be read", Detail: "The address or the form holds what is no text: bytes that are not UTF-8, or the character NUL."}
	}
	if once := r.PostForm.Get("once"); once != "" && !webhook.ValidEventID(once) {
		return &problem{Status: http.StatusBadRequest, Title: "This can’t be read", Detail: "The form is not one of ours. Load its page again."}
	}
	return nil
}

func readable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

func readableForm(form url.Values) bool {
	for name, values := range form {
		if !readable(name) || !readable(strings.Join(values, "")) {
			return false
		}
	}
	return true
}
