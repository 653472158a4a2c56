package deliver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// probed is what a Prober finds.
type probed webhook.Probe

func (p probed) Probe(context.Context, string, time.Duration) webhook.Probe { return webhook.Probe(p) }

// reachable is a receiver in good order, with a certificate for so many days.
func reachable(days int) probed {
	return probed{
		Addresses: []webhook.ProbedAddress{{Address: "203.0.113.7"}}, Connected: "203.0.113.7:443", ConnectAfter: 3 * time.Millisecond,
		TLS: &webhook.ProbedTLS{Version: "TLS 1.3", Names: []string{"example.com"}, Issuer: "An Authority", Expires: time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour)},
	}
}

// verifies answers as a receiver does that checks signatures.
func verifies(secret string) func(int, webhook.Request) webhook.Response {
	return func(_ int, req webhook.Request) webhook.Response {
		if signature.Verify(req.Body, sentRequest{Request: req}.header(signature.HeaderSignature), secret) != nil {
			return webhook.Response{StatusCode: http.StatusUnauthorized}
		}
		return webhook.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}}
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	// diagnose returns each step's verdict, in order, and all that was said.
	diagnose := func(t *testing.T, prober Prober, answer func(secret string) func(int, webhook.Request) webhook.Response) (verdicts, said string, d webhook.Diagnosis) {
		t.Helper()
		m := newMemory()
		id := m.endpoint()
		sender := &fakeSender{}
		if answer != nil {
			sender.answers(answer(m.endpoints[id].Secret))
		}
		d, err := NewTester(m, sender, prober, Config{Timeout: 10 * time.Second}).Diagnose(ctx, "w", id)
		must(t, err)
		var words []string
		for i, f := range d.Findings {
			if f.Step != steps[i] || f.Detail == "" {
				t.Errorf("step %d is %+v", i, f)
			}
			words = append(words, string(f.Verdict))
			said += f.Step + ": " + f.Detail + "\n"
		}
		return strings.Join(words, " "), said, d
	}
	always := func(res webhook.Response) func(string) func(int, webhook.Request) webhook.Response {
		return func(string) func(int, webhook.Request) webhook.Response {
			return func(int, webhook.Request) webhook.Response { return res }
		}
	}
	const skipped = " skipped skipped skipped skipped skipped"

	for name, tt := range map[string]struct {
		probe  probed
		answer func(string) func(int, webhook.Request) webhook.Response
		want   string
		worst  webhook.Verdict
		says   string
	}{
		"OfAReceiverInGoodOrder": {reachable(90), verifies, "ok ok ok ok ok ok ok ok ok", "ok", "signature: The receiver refuses a wrong signature, with 401."},
		"FindsABadURL":           {probed{URL: fmt.Errorf("the URL holds a password")}, nil, "fail skipped skipped skipped" + skipped, "fail", "url: the URL holds a password. Change"},
		"FindsANameWithoutAnAddress": {probed{DNS: &webhook.SendError{Detail: "the name x has no address"}}, nil,
			"ok fail skipped skipped" + skipped, "fail", "dns: the name x has no address. Check"},
		"NamesTheRuleThatBlocksAnAddress": {probed{Addresses: []webhook.ProbedAddress{{Address: "10.0.0.1", Blocked: "10.0.0.1 is a private address"}}}, nil,
			"ok fail skipped skipped" + skipped, "fail", "dns: 10.0.0.1 is a private address."},
		"FindsAClosedPort": {probed{Addresses: reachable(1).Addresses, Connect: &webhook.SendError{Detail: "connection refused by x"}}, nil,
			"ok ok fail skipped" + skipped, "fail", "tcp: connection refused by x. Check that the receiver runs"},
		"FindsABadCertificate": {probed{Addresses: reachable(1).Addresses, Connected: "x", TLSFailure: &webhook.SendError{Detail: "the TLS certificate expired"}}, nil,
			"ok ok ok fail" + skipped, "fail", "tls: the TLS certificate expired. Install"},
		"WarnsOfACertificateThatEndsSoon": {reachable(5), verifies, "ok ok ok warn ok ok ok ok ok", "warn", "tls: The certificate chain ends in 5 days"},
		"WarnsOfPlainHTTP":                {probed{Addresses: reachable(1).Addresses, Connected: "x"}, verifies, "ok ok ok warn ok ok ok ok ok", "warn", "tls: The URL is plain http"},
		"FindsForgeriesAccepted": {reachable(90), always(webhook.Response{StatusCode: 204}), "ok ok ok ok ok ok ok ok fail", "fail",
			"signature: The receiver accepts forged webhooks"},
		"FindsARedirect": {reachable(90), always(webhook.Response{StatusCode: 301, Header: http.Header{"Location": {"https://elsewhere.example/"}}}),
			"ok ok ok ok fail fail ok ok skipped", "fail", `redirect: The receiver redirects to "https://elsewhere.example/"`},
		"ExplainsA401":       {reachable(90), always(webhook.Response{StatusCode: 401}), "ok ok ok ok ok fail ok ok skipped", "fail", "response: The receiver answered 401: it does not accept our signature"},
		"ExplainsNoAnswer":   {reachable(90), always(webhook.Response{Err: &webhook.SendError{Detail: "the receiver did not answer within 10 s"}}), "ok ok ok ok skipped fail skipped skipped skipped", "fail", "response: the receiver did not answer"},
		"WarnsOfAWrongClock": {reachable(90), clockOff, "ok ok ok ok ok ok ok warn ok", "warn", "clock: The receiver's clock differs from ours by -10m"},
		"WarnsOfAFailureAtAForgery": {reachable(90), func(secret string) func(int, webhook.Request) webhook.Response {
			return func(n int, req webhook.Request) webhook.Response {
				if res := verifies(secret)(n, req); res.StatusCode == http.StatusOK {
					return res
				}
				return webhook.Response{StatusCode: 500}
			}
		}, "ok ok ok ok ok ok ok ok warn", "warn", "signature: The receiver failed at a wrong signature (500)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdicts, said, d := diagnose(t, tt.probe, tt.answer)
			if verdicts != tt.want || d.Verdict != tt.worst || !strings.Contains(said, tt.says) {
				t.Errorf("%s, in all %s, want %s, in all %s and %q:\n%s", verdicts, d.Verdict, tt.want, tt.worst, tt.says, said)
			}
		})
	}

	t.Run("KnowsNoEndpointOfAnotherWorkspace", func(t *testing.T) {
		t.Parallel()
		m := newMemory()
		_, err := NewTester(m, &fakeSender{}, reachable(1), Config{}).Diagnose(ctx, "other", m.endpoint())
		if webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})
}

func clockOff(secret string) func(int, webhook.Request) webhook.Response {
	return func(n int, req webhook.Request) webhook.Response {
		res := verifies(secret)(n, req)
		if res.Header != nil {
			res.Header.Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		}
		return res
	}
}
