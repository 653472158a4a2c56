package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer is more than the largest page that the API answers.
const maxAnswer = 128 << 20

// noAnswerError is a try that got no answer, or not the whole of it.
type noAnswerError struct {
	op  string
	err error
}

func (e *noAnswerError) Error() string { return "client: " + e.op + ": " + e.err.Error() }

func (e *noAnswerError) Unwrap() error { return e.err }

// try makes one request and reads the whole answer.
func (c *Client) try(ctx context.Context, p *prepared) ([]byte, error) {
	limit := fmt.Errorf("no answer within %s: %w", p.timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, limit)
	defer cancel()
	status, header, raw, err := c.roundTrip(ctx, p)
	if err != nil {
		return nil, lost(ctx, p.op, err)
	}
	// A page in the way of a DELETE may be a 200, and is no answer of the API.
	if status < 200 || status > 299 || p.method == http.MethodDelete && status != http.StatusNoContent {
		return nil, errorOf(p.op, status, header, raw)
	}
	if p.status != nil {
		*p.status = status
	}
	return raw, nil
}

// lost says why there is no answer: whose time was over comes before what that
// looked like on the connection.
func lost(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &noAnswerError{op, err}
}

func (c *Client) roundTrip(ctx context.Context, p *prepared) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, p.method, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0, nil, nil, err
	}
	if p.body == nil {
		req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	}
	req.Header = p.header.Clone()
	resp, err := c.cfg.HTTPClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.maxAnswer+1))
	if err == nil && int64(len(raw)) > c.cfg.maxAnswer {
		err = errTooLarge
	}
	return resp.StatusCode, resp.Header, raw, err
}

const (
	firstPause = 200 * time.Millisecond
	mostPause  = 10 * time.Second
)

// pause is how long to wait before the next try, if there is to be one.
func (c *Client) pause(ctx context.Context, err error, try int) (time.Duration, bool) {
	if ctx.Err() != nil || try >= c.cfg.MaxRetries || !temporary(err) {
		return 0, false
	}
	asked := retryAfterOf(err)
	wait := c.backoff(try) + asked
	// Who has no time left for another try learns at once why.
	deadline, ok := ctx.Deadline()
	return wait, asked <= c.cfg.MaxRetryAfter && (!ok || time.Until(deadline) > wait)
}

// backoff doubles with each try. Half of it is chance, so that clients that failed
// together do not come back together.
func (c *Client) backoff(try int) time.Duration {
	most := min(firstPause<<min(try, 16), mostPause)
	return most/2 + time.Duration(c.cfg.jitter()*float64(most/2))
}

// retryAfterOf is how long an answer asks to wait.
func retryAfterOf(err error) time.Duration {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.RetryAfter
}

// temporary is what may be different next time.
func temporary(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return connectionFailed(err)
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	// The try before is still under way at the API.
	return e.Code == CodeIdempotencyInFlight
}

// connectionFailed leaves out what no further try can mend.
func connectionFailed(err error) bool {
	var none *noAnswerError
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	return errors.As(err, &none) && !errors.Is(err, errTooLarge) && !errors.As(err, &certificate) && !errors.As(err, &noTLS)
}

// mayHaveTakenEffect: only a 429 says for sure that nothing was done.
func mayHaveTakenEffect(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Status != http.StatusTooManyRequests
}

// sleep is nil after d, and the context's cause when that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
