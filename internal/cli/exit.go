package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/postrider/postrider/client"
)

// Exit codes of every command.
const (
	ExitOK = 0
	// ExitFailure: it was tried and went wrong, or what was asked about is not well.
	ExitFailure = 1
	// ExitUsage: the command line, or a profile, is not right; nothing was tried.
	ExitUsage    = 2
	ExitNotFound = 3
	// ExitAuth: no key, a wrong one, or one that may not do this.
	ExitAuth = 4
	// ExitAway: the API gave no answer, or had to send us away; later may do.
	ExitAway = 5
	// ExitInterrupted is what shells say of Ctrl-C.
	ExitInterrupted = 130
)

// coded is an error whose exit code is known where it is made.
type coded struct {
	error
	code int
}

func (e *coded) Unwrap() error { return e.error }

func usageError(text string) error { return &coded{errors.New(text), ExitUsage} }

func withCode(err error, code int) error { return &coded{err, code} }

// begun is an error of a command that ran; one that did not was called wrongly.
type begun struct{ error }

func (e *begun) Unwrap() error { return e.error }

// called is an error of a command that talks to the API at an address.
type called struct {
	error
	url string
}

func (e *called) Unwrap() error { return e.error }

// exitCode is what a command ends with.
func exitCode(err error) int {
	var known *coded
	var ran *begun
	var answer *client.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &known):
		return known.code
	case !errors.As(err, &ran):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &answer):
		return exitOf(answer)
	case isAway(err):
		return ExitAway
	}
	return ExitFailure
}

func exitOf(answer *client.Error) int {
	switch answer.Status {
	case http.StatusNotFound:
		return ExitNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return ExitAuth
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return ExitAway
	}
	return ExitFailure
}

// isAway is an error of the connection to the API: no answer came, or only a part of
// one.
func isAway(err error) bool {
	var call *called
	if !errors.As(err, &call) {
		return false
	}
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded)
}
