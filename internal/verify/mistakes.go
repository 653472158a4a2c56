package verify

import (
	"errors"

	"github.com/postrider/postrider/signature"
)

// Words for mistakes; they are stable. All but WrongScheme and Truncated are errors of
// package signature.
const (
	InvalidSecret   = "invalid_secret"
	NoSecret        = "no_secret"
	MissingHeader   = "missing_header"
	MalformedHeader = "malformed_header"
	TooOld          = "too_old"
	TooNew          = "too_new"
	HeaderChanged   = "header_changed"
	BodyChanged     = "body_changed"
	WrongSecret     = "wrong_secret"
	WrongScheme     = "wrong_scheme"
	Truncated       = "truncated"
	MalformedEvent  = "malformed_event"
	Mismatch        = "mismatch"
	Unknown         = "unknown"
)

// Mistakes lists every word, for descriptions.
func Mistakes() []string {
	return []string{
		InvalidSecret, NoSecret, MissingHeader, MalformedHeader, TooOld, TooNew, HeaderChanged, BodyChanged, WrongSecret, WrongScheme,
		Truncated, MalformedEvent, Mismatch, Unknown,
	}
}

// mistakes are words for the errors of package signature, the more particular first.
var mistakes = []struct {
	is   error
	word string
}{
	{signature.ErrInvalidSecret, InvalidSecret},
	{signature.ErrNoSecret, NoSecret},
	{signature.ErrMissingHeader, MissingHeader},
	{signature.ErrMalformedHeader, MalformedHeader},
	{signature.ErrTooOld, TooOld},
	{signature.ErrTooNew, TooNew},
	{signature.ErrHeaderChanged, HeaderChanged},
	{signature.ErrBodyChanged, BodyChanged},
	{signature.ErrWrongSecret, WrongSecret},
	{signature.ErrMalformedEvent, MalformedEvent},
	{signature.ErrMismatch, Mismatch},
}

func mistakeOf(err error) string {
	for _, m := range mistakes {
		if errors.Is(err, m.is) {
			return m.word
		}
	}
	return Unknown
}
