package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// explain turns a failure into a class and a sentence for people. The sentences
// hold hosts and addresses, but never the URL's path and query, which may hold
// a token, nor anything about the inside of the deployment.
func (a *attempt) explain(ctx context.Context, err error) *webhook.SendError {
	if b, ok := errors.AsType[*Blocked](err); ok {
		return &webhook.SendError{Class: webhook.ClassBlocked, Detail: b.Error(), Cause: err}
	}
	// A dial that fails for the deadline races with the deadline itself.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) || isTimeout(err) && a.expired() {
		return &webhook.SendError{Class: webhook.ClassTimeout, Detail: a.timeoutSentence(), Cause: err}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return internalError("the attempt was stopped before it ended", err)
	}
	if p, ok := errors.AsType[*proxyError](err); ok {
		return explainProxy(p)
	}
	return a.explainStage(err)
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func isBlocked(err error) bool {
	_, ok := errors.AsType[*Blocked](err)
	return ok
}

func (a *attempt) explainStage(err error) *webhook.SendError {
	stage, atStage := errors.AsType[*stageError](err)
	switch {
	case atStage && stage.Stage == phaseDNS:
		return explainDNS(stage)
	case isTLS(err):
		return &webhook.SendError{Class: webhook.ClassTLS, Detail: a.tlsSentence(err), Cause: err}
	case isReset(err):
		return &webhook.SendError{Class: webhook.ClassReset, Detail: a.resetSentence(), Cause: err}
	case atStage && stage.Stage == phaseTLS:
		return &webhook.SendError{Class: webhook.ClassTLS, Detail: a.tlsSentence(err), Cause: err}
	case atStage && stage.Stage == phaseConnect:
		return explainConnect(stage)
	case a.phase < phaseWaiting:
		return internalError("the request could not be made", err)
	case !a.answered:
		// A write that failed for another reason than that of a broken connection.
		return &webhook.SendError{Class: webhook.ClassReset, Detail: a.resetSentence(), Cause: err}
	}
	return a.invalidHTTP(err)
}

func explainDNS(e *stageError) *webhook.SendError {
	// The error's own text names the resolver, which is nobody's business.
	detail := fmt.Sprintf("the name %s could not be resolved", e.Target)
	if d, ok := errors.AsType[*net.DNSError](e.Err); ok {
		switch {
		case d.IsNotFound:
			detail = fmt.Sprintf("the name %s has no address", e.Target)
		case d.IsTimeout:
			detail += ": the name server did not answer"
		}
	}
	return &webhook.SendError{Class: webhook.ClassDNS, Detail: detail, Cause: e}
}

func explainConnect(e *stageError) *webhook.SendError {
	class, detail := webhook.ClassRefused, ""
	switch {
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		detail = "connection refused by " + e.Target
	case errors.Is(e.Err, syscall.EHOSTUNREACH), errors.Is(e.Err, syscall.ENETUNREACH):
		detail = "no route to " + e.Target
	case errors.Is(e.Err, syscall.EACCES), errors.Is(e.Err, syscall.EPERM):
		detail = "a firewall on our side forbids connections to " + e.Target
	case isTimeout(e.Err):
		class, detail = webhook.ClassTimeout, "no connection to "+e.Target+": it does not answer"
	default:
		return internalError("no connection could be opened", e)
	}
	return &webhook.SendError{Class: class, Detail: detail, Cause: e}
}

// explainProxy tells a tenant what it can act on; that there is a proxy is no
// secret, where it is might be one.
func explainProxy(e *proxyError) *webhook.SendError {
	switch e.Status {
	case 0:
		return internalError("the proxy of egress.proxy could not be reached", e)
	case 403:
		return &webhook.SendError{Class: webhook.ClassBlocked, Detail: "blocked: the proxy of egress.proxy refuses this address (403)", Cause: e}
	case 502, 503, 504:
		detail := fmt.Sprintf("the proxy of egress.proxy could not reach the receiver (%d)", e.Status)
		return &webhook.SendError{Class: webhook.ClassRefused, Detail: detail, Cause: e}
	}
	return internalError(fmt.Sprintf("the proxy of egress.proxy answered %d", e.Status), e)
}

func isReset(err error) bool {
	for _, target := range []error{
		io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func (a *attempt) resetSentence() string {
	switch a.phase {
	case phaseTLS:
		return "the receiver closed the connection during the TLS handshake"
	case phaseBody:
		return "the receiver closed the connection in the middle of its answer"
	}
	return "the receiver closed the connection without an answer"
}

func (a *attempt) timeoutSentence() string {
	within := "within " + seconds(a.timeout)
	switch a.phase {
	case phaseStart, phaseDNS:
		return fmt.Sprintf("the name %s was not resolved %s", a.host, within)
	case phaseConnect:
		return fmt.Sprintf("no connection to %s %s", a.host, within)
	case phaseTLS:
		return fmt.Sprintf("the TLS handshake with %s did not end %s", a.host, within)
	case phaseBody:
		return "the receiver began an answer but did not end it " + within
	}
	return "the receiver did not answer " + within
}

// seconds writes 10s as "10 s" and 250ms as "0.25 s".
func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

func (a *attempt) invalidHTTP(err error) *webhook.SendError {
	text := err.Error()
	for _, prefix := range []string{"net/http: ", "HTTP/1.x transport connection broken: ", "net/http: ", "http: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return &webhook.SendError{
		Class:  webhook.ClassInvalidHTTP,
		Detail: "the answer is not valid HTTP: " + shorten(a.private(text)),
		Cause:  err,
	}
}

// shorten keeps a sentence readable when it quotes what a receiver sent.
func shorten(s string) string {
	const limit = 200
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
