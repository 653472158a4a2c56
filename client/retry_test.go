package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script answers one try after the other; the last step goes on.
type script struct {
	steps []step
	tries []try
	began time.Time
}

// step is an answer, or none.
type step struct {
	status int
	header http.Header
	body   string
	err    error
	hang   bool // until the request's context ends
	cut    bool // in the middle of the body
}

// try is what was asked, and when, from the first on.
type try struct {
	at     time.Duration
	key    string
	method string
	body   string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(s.tries) == 0 {
		s.began = time.Now()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.tries = append(s.tries, try{time.Since(s.began), r.Header.Get("Idempotency-Key"), r.Method, string(body)})
	st := s.steps[min(len(s.tries), len(s.steps))-1]
	if st.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if st.err != nil {
		return nil, st.err
	}
	if st.header == nil {
		st.header = http.Header{"Content-Type": {"application/problem+json"}}
	}
	answer := io.Reader(strings.NewReader(st.body))
	if st.cut {
		answer = io.MultiReader(answer, failing{})
	}
	return &http.Response{StatusCode: st.status, Header: st.header, Body: io.NopCloser(answer), Request: r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// scripted is a client whose tries are answered by steps, without chance in its waits.
func scripted(cfg Config, steps ...step) (*Client, *script) {
	s := &script{steps: steps}
	cfg.HTTPClient, cfg.jitter = &http.Client{Transport: s}, func() float64 { return 0 }
	return NewWith("http://api.test", "pr_secret", cfg), s
}

func refused(status int, code Code, retryAfter string) step {
	header := http.Header{"Content-Type": {"application/problem+json"}}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return step{status: status, header: header, body: fmt.Sprintf(`{"status":%d,"code":%q,"detail":"no"}`, status, code)}
}

var (
	accepted = step{status: 202, body: `{"id":"evt_1","deliveries":2}`}
	gone     = step{err: errors.New("connection refused")}
)

func (s *script) times() (out []time.Duration) {
	for _, t := range s.tries {
		out = append(out, t.at)
	}
	return out
}

func TestRetries(t *testing.T) {
	t.Parallel()
	// Without chance each pause is half of what it is at most: 100, 200, 400 ms.
	for name, c := range map[string]struct {
		steps []step
		cfg   Config
		tries string
		code  Code
	}{
		"OfConnectionErrors":            {steps: []step{gone, gone, accepted}, tries: "[0s 100ms 300ms]"},
		"Of503":                         {steps: []step{refused(503, CodeUnavailable, ""), accepted}, tries: "[0s 100ms]"},
		"Of429":                         {steps: []step{refused(429, CodeRateLimited, ""), accepted}, tries: "[0s 100ms]"},
		"OfAProxys502And504":            {steps: []step{{status: 502}, {status: 504}, accepted}, tries: "[0s 100ms 300ms]"},
		"OfAnAnswerThatIsCut":           {steps: []step{{status: 202, body: `{"id"`, cut: true}, accepted}, tries: "[0s 100ms]"},
		"OfOneThatIsStillUnderWay":      {steps: []step{gone, refused(409, CodeIdempotencyInFlight, ""), accepted}, tries: "[0s 100ms 300ms]"},
		"WaitAsLongAsAskedFor":          {steps: []step{refused(503, CodeUnavailable, "7"), accepted}, tries: "[0s 7.1s]"},
		"NotLongerThanAllowed":          {steps: []step{refused(503, CodeUnavailable, "31")}, tries: "[0s]", code: CodeUnavailable},
		"LongerWhereAllowed":            {steps: []step{refused(503, CodeUnavailable, "31"), accepted}, cfg: Config{MaxRetryAfter: time.Minute}, tries: "[0s 31.1s]"},
		"EndAfterThree":                 {steps: []step{refused(503, CodeUnavailable, "")}, tries: "[0s 100ms 300ms 700ms]", code: CodeUnavailable},
		"AsManyAsConfigured":            {steps: []step{gone, gone, gone, gone, gone, accepted}, cfg: Config{MaxRetries: 5}, tries: "[0s 100ms 300ms 700ms 1.5s 3.1s]"},
		"NoneWhereSoConfigured":         {steps: []step{refused(503, CodeUnavailable, "")}, cfg: Config{MaxRetries: -1}, tries: "[0s]", code: CodeUnavailable},
		"NoneOfWhatTheAPIRefuses":       {steps: []step{refused(422, CodeInvalid, "")}, tries: "[0s]", code: CodeInvalid},
		"NoneOf409":                     {steps: []step{refused(409, CodeConflict, "")}, tries: "[0s]", code: CodeConflict},
		"NoneOf500":                     {steps: []step{refused(500, CodeInternal, "")}, tries: "[0s]", code: CodeInternal},
		"AfterATimeoutOfTheirOwn":       {steps: []step{{hang: true}, accepted}, tries: "[0s 10.1s]"},
		"AfterATimeoutThatIsConfigured": {steps: []step{{hang: true}, accepted}, cfg: Config{Timeout: time.Second}, tries: "[0s 1.1s]"},
		"HaveABoundForTheirPauses":      {steps: []step{gone, gone, gone, gone, gone, gone, gone, gone, accepted}, cfg: Config{MaxRetries: 9}, tries: "[0s 100ms 300ms 700ms 1.5s 3.1s 6.3s 11.3s 16.3s]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, s := scripted(c.cfg, c.steps...)
				got, err := client.Dispatch(t.Context(), "post.created", map[string]any{"id": 1})
				if CodeOf(err) != c.code || c.code == "" && (err != nil || got.Deliveries != 2) {
					t.Errorf("got %+v, %v", got, err)
				}
				if tries := fmt.Sprint(s.times()); tries != c.tries {
					t.Errorf("tried at %s, want %s", tries, c.tries)
				}
			})
		})
	}
}

func TestRetriesAreTheSameRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(Config{}, gone, refused(503, CodeUnavailable, "1"), accepted)
		for range 2 {
			if _, err := c.Dispatch(t.Context(), "post.created", map[string]any{"id": 1}); err != nil {
				t.Fatal(err)
			}
			s.steps = []step{accepted}
		}
		first := s.tries[0]
		if len(s.tries) != 4 || len(first.key) < 20 {
			t.Fatalf("tried %+v", s.tries)
		}
		for _, again := range s.tries[1:3] {
			if again.key != first.key || again.body != first.body {
				t.Errorf("%+v is not %+v again", again, first)
			}
		}
		if s.tries[3].key == first.key {
			t.Error("another call has the key of the first")
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	c, s := scripted(Config{}, step{status: 200, body: `{}`})
	if _, err := c.Deliveries.Retry(WithIdempotencyKey(t.Context(), "mine"), "dlv_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deliveries.Get(WithIdempotencyKey(t.Context(), "mine"), "dlv_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deliveries.Retry(WithIdempotencyKey(t.Context(), ""), "dlv_1"); err != nil {
		t.Fatal(err)
	}
	if s.tries[0].key != "mine" || s.tries[1].key != "" || s.tries[2].key == "" {
		t.Errorf("sent %+v", s.tries)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()

	t.Run("EndsARequest", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, s := scripted(Config{}, step{hang: true})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Dispatch(ctx, "post.created", map[string]any{})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(s.began) != time.Second || len(s.tries) != 1 {
				t.Errorf("%v after %s and %d tries", err, time.Since(s.began), len(s.tries))
			}
		})
	})

	t.Run("EndsAPauseAndTheErrorSaysBoth", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, s := scripted(Config{}, refused(503, CodeUnavailable, "20"))
			stopped := errors.New("stopped")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(2*time.Second, func() { cancel(stopped) })
			_, err := c.Dispatch(ctx, "post.created", map[string]any{})
			if !errors.Is(err, stopped) || CodeOf(err) != CodeUnavailable || time.Since(s.began) != 2*time.Second {
				t.Errorf("%v after %s", err, time.Since(s.began))
			}
		})
	})

	t.Run("WithoutTimeForAnotherTryEndsAtOnce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, s := scripted(Config{}, refused(503, CodeUnavailable, "20"))
			ctx, cancel := context.WithTimeout(t.Context(), 19*time.Second)
			defer cancel()
			_, err := c.Dispatch(ctx, "post.created", map[string]any{})
			if CodeOf(err) != CodeUnavailable || time.Since(s.began) != 0 {
				t.Errorf("%v after %s", err, time.Since(s.began))
			}
		})
	})
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call func(context.Context, *Client) error
		want time.Duration
	}{
		"OfMost": {func(ctx context.Context, c *Client) error { _, err := c.Events.Get(ctx, "a"); return err }, 10 * time.Second},
		"OfAPublishHaveItsWaitOnTop": {func(ctx context.Context, c *Client) error {
			_, err := c.Dispatch(ctx, "a", map[string]any{}, WithWait(2500*time.Millisecond))
			return err
		}, 12500 * time.Millisecond},
		"OfATestHaveTheAPIsOnTop": {func(ctx context.Context, c *Client) error {
			_, err := c.Endpoints.Test(ctx, "a", TestInput{})
			return err
		}, 85 * time.Second},
		"OfADiagnosisHaveTheAPIsOnTop": {func(ctx context.Context, c *Client) error { _, err := c.Endpoints.Diagnose(ctx, "a"); return err }, 160 * time.Second},
		"OfAReplayHaveTheAPIsOnTop": {func(ctx context.Context, c *Client) error {
			_, err := c.Endpoints.Replay(ctx, "a", EndpointReplayInput{})
			return err
		}, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, s := scripted(Config{MaxRetries: -1}, step{hang: true})
				err := c.call(t.Context(), client)
				if took := time.Since(s.began); took != c.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("took %s, want %s: %v", took, c.want, err)
				}
			})
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []step
		code  Code
	}{
		"IsDoneWhenATryBeforeWasNotAnswered":  {[]step{gone, refused(404, CodeNotFound, "")}, ""},
		"IsDoneWhenATryBeforeWasAnswered503":  {[]step{refused(503, CodeUnavailable, ""), refused(404, CodeNotFound, "")}, ""},
		"OfWhatIsNotThereIsAnError":           {[]step{refused(404, CodeNotFound, "")}, CodeNotFound},
		"OfWhatIsNotThereAfterA429IsAnError":  {[]step{refused(429, CodeRateLimited, ""), refused(404, CodeNotFound, "")}, CodeNotFound},
		"ThatIsAnsweredIsDone":                {[]step{{status: 204}}, ""},
		"ThatIsRefusedAfterATryIsStillNoGood": {[]step{gone, refused(403, CodeForbidden, "")}, CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := scripted(Config{}, c.steps...)
				if err := client.Endpoints.Delete(t.Context(), "ep_1"); CodeOf(err) != c.code || c.code == "" && err != nil {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestWhatNoTryCanMendIsTriedOnce(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"ACertificate": &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
		"NoTLS":        tls.RecordHeaderError{Msg: "not TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := scripted(Config{}, step{err: err})
			if _, got := c.Events.Get(t.Context(), "a"); got == nil || !strings.Contains(got.Error(), "TLS") && !strings.Contains(got.Error(), "certificate") {
				t.Errorf("got %v", got)
			}
			if len(s.tries) != 1 {
				t.Errorf("tried %d times", len(s.tries))
			}
		})
	}
}
