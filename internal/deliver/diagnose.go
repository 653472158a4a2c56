package deliver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// Prober looks at the way to a URL without making a request.
type Prober interface {
	Probe(ctx context.Context, url string, timeout time.Duration) webhook.Probe
}

const (
	// certificateSoon is when the end of a certificate is worth a warning.
	certificateSoon = 21 * 24 * time.Hour
	// clockApart is how much a receiver's clock may differ: Standard Webhooks
	// refuses what is five minutes old.
	clockApart = 60 * time.Second
	// probeTimeout bounds what comes before the first request.
	probeTimeout = 10 * time.Second
	// slowAnswer is what receivers should stay under.
	slowAnswer = 2 * time.Second
)

// Diagnose goes the whole way to the workspace's endpoint, and makes two requests:
// a signed one, and a forged one that a receiver must refuse. Errors: not_found.
func (t *Tester) Diagnose(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Diagnosis, error) {
	target, err := t.target(ctx, ws, id)
	if err != nil {
		return webhook.Diagnosis{}, err
	}
	d := &diagnosis{}
	probe := t.prober.Probe(ctx, target.URL, min(target.timeout, probeTimeout))
	if d.url(&probe) && d.dns(&probe) && d.tcp(&probe) && d.tls(&probe, t.cfg.Now()) {
		d.requests(ctx, t, target)
	}
	return d.finish(), nil
}

// steps are those of a diagnosis, in order.
var steps = []string{"url", "dns", "tcp", "tls", "redirect", "response", "latency", "clock", "signature"}

type diagnosis struct{ findings []webhook.Finding }

func (d *diagnosis) add(step string, v webhook.Verdict, facts map[string]any, format string, args ...any) {
	d.findings = append(d.findings, webhook.Finding{Step: step, Verdict: v, Detail: fmt.Sprintf(format, args...), Facts: facts})
}

// finish fills in what was not reached, and the worst of all verdicts.
func (d *diagnosis) finish() webhook.Diagnosis {
	out := webhook.Diagnosis{Verdict: webhook.VerdictOK}
	found := make(map[string]webhook.Finding)
	for _, f := range d.findings {
		found[f.Step] = f
		if f.Verdict == webhook.VerdictFail || f.Verdict == webhook.VerdictWarn && out.Verdict == webhook.VerdictOK {
			out.Verdict = f.Verdict
		}
	}
	for _, step := range steps {
		f, ok := found[step]
		if !ok {
			f = webhook.Finding{Step: step, Verdict: webhook.VerdictSkipped, Detail: "not checked: an earlier step failed"}
		}
		out.Findings = append(out.Findings, f)
	}
	return out
}

func (d *diagnosis) url(p *webhook.Probe) bool {
	if p.URL != nil {
		d.add("url", webhook.VerdictFail, nil, "%v. Change the endpoint's url.", p.URL)
		return false
	}
	d.add("url", webhook.VerdictOK, nil, "The URL is one that webhooks may be sent to.")
	return true
}

func (d *diagnosis) dns(p *webhook.Probe) bool {
	if p.DNS != nil {
		d.add("dns", webhook.VerdictFail, nil, "%s. Check the spelling of the host and its DNS records.", p.DNS.Detail)
		return false
	}
	var addresses []map[string]any
	blocked, open := "", 0
	for _, a := range p.Addresses {
		fact := map[string]any{"address": a.Address}
		if a.Blocked != "" {
			blocked, fact["blocked"] = a.Blocked, a.Blocked
		} else {
			open++
		}
		addresses = append(addresses, fact)
	}
	facts := map[string]any{"addresses": addresses}
	switch {
	case open == 0:
		d.add("dns", webhook.VerdictFail, facts, "%s. Use a host with a public address, or have the operator allow the network.", blocked)
	case blocked != "":
		d.add("dns", webhook.VerdictWarn, facts, "%s. The other addresses are used; remove this one from DNS.", blocked)
	default:
		d.add("dns", webhook.VerdictOK, facts, "Addresses of the host: %d, and all may be reached.", open)
	}
	return open > 0
}

func (d *diagnosis) tcp(p *webhook.Probe) bool {
	if p.Connect != nil {
		d.add("tcp", webhook.VerdictFail, nil, "%s. Check that the receiver runs, and that its firewall lets our address in.", p.Connect.Detail)
		return false
	}
	d.add("tcp", webhook.VerdictOK, map[string]any{"address": p.Connected, "duration_ms": millis(p.ConnectAfter)},
		"A connection to %s was made in %d ms.", p.Connected, millis(p.ConnectAfter))
	return true
}

func (d *diagnosis) tls(p *webhook.Probe, now time.Time) bool {
	if p.TLSFailure != nil {
		d.add("tls", webhook.VerdictFail, nil, "%s. Install a valid certificate for this host, with its whole chain.", p.TLSFailure.Detail)
		return false
	}
	if p.TLS == nil {
		d.add("tls", webhook.VerdictWarn, nil, "The URL is plain http: anybody on the way can read the payloads. Use https.")
		return true
	}
	days := int(p.TLS.Expires.Sub(now) / (24 * time.Hour))
	facts := map[string]any{
		"version": p.TLS.Version, "names": p.TLS.Names, "issuer": p.TLS.Issuer,
		"expires_at": p.TLS.Expires.UTC().Format(time.RFC3339), "days_to_expiry": days,
	}
	if p.TLS.Expires.Sub(now) < certificateSoon {
		d.add("tls", webhook.VerdictWarn, facts, "The certificate chain ends in %d days, on %s. Renew it.", days, p.TLS.Expires.UTC().Format(time.DateOnly))
	} else {
		d.add("tls", webhook.VerdictOK, facts, "The certificate is valid for another %d days.", days)
	}
	return true
}

// requests makes the signed request and the forged one.
func (d *diagnosis) requests(ctx context.Context, t *Tester, target *target) {
	res := t.send(ctx, target, webhook.TestEventType, []byte("{}"), nil)
	if res.Err != nil && res.StatusCode == 0 {
		d.add("response", webhook.VerdictFail, nil, "%s.", res.Err.Detail)
		return
	}
	d.redirect(&res)
	d.response(&res)
	d.latency(&res)
	d.clock(&res)
	if res.StatusCode/100 != 2 {
		d.add("signature", webhook.VerdictSkipped, nil, "not checked: a receiver that refuses the right signature proves nothing by refusing a wrong one")
		return
	}
	d.forgery(ctx, t, target)
}

func (d *diagnosis) redirect(res *webhook.Response) {
	if res.StatusCode/100 != 3 {
		d.add("redirect", webhook.VerdictOK, nil, "The receiver does not redirect.")
		return
	}
	to := res.Header.Get("Location")
	d.add("redirect", webhook.VerdictFail, map[string]any{"location": to},
		"The receiver redirects to %q, and redirects are not followed. Set the endpoint's url to the final one.", to)
}

func (d *diagnosis) response(res *webhook.Response) {
	facts := map[string]any{"status_code": res.StatusCode}
	switch code := res.StatusCode; {
	case code/100 == 2 && res.Err == nil:
		d.add("response", webhook.VerdictOK, facts, "The receiver answered %d.", code)
	case res.Err != nil:
		d.add("response", webhook.VerdictFail, facts, "%s.", res.Err.Detail)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		d.add("response", webhook.VerdictFail, facts, "The receiver answered %d: it does not accept our signature or asks for other credentials. "+
			"Compare its secret with the endpoint's, make sure that it verifies the raw body, or set a custom header.", code)
	case code == http.StatusNotFound:
		d.add("response", webhook.VerdictFail, facts, "The receiver answered 404: nothing handles this path. Check the endpoint's url.")
	case code == http.StatusMethodNotAllowed:
		d.add("response", webhook.VerdictFail, facts, "The receiver answered 405: it does not take POST on this path. Check the endpoint's url.")
	default:
		d.add("response", webhook.VerdictFail, facts, "The receiver answered %d; only a 2xx counts as delivered. Look into the receiver's log.", code)
	}
}

func (d *diagnosis) latency(res *webhook.Response) {
	facts := map[string]any{"duration_ms": millis(res.Duration)}
	if res.Duration > slowAnswer {
		d.add("latency", webhook.VerdictWarn, facts, "The answer took %d ms. Answer first and do the work afterwards.", millis(res.Duration))
		return
	}
	d.add("latency", webhook.VerdictOK, facts, "The answer took %d ms.", millis(res.Duration))
}

func (d *diagnosis) clock(res *webhook.Response) {
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		d.add("clock", webhook.VerdictOK, nil, "The receiver does not tell the time.")
		return
	}
	// Date says the second that has begun, so the time is half of one later in the mean.
	apart := theirs.Add(time.Second / 2).Sub(res.Started.Add(res.Duration / 2)).Round(time.Second)
	facts := map[string]any{"difference_seconds": int64(apart / time.Second)}
	if apart.Abs() > clockApart {
		d.add("clock", webhook.VerdictWarn, facts, "The receiver's clock differs from ours by %s: it may refuse signatures as too old. Synchronise it (NTP).", apart)
		return
	}
	d.add("clock", webhook.VerdictOK, facts, "The receiver's clock agrees with ours.")
}

// forgery sends what a stranger could: the same, signed with another secret.
func (d *diagnosis) forgery(ctx context.Context, t *Tester, target *target) {
	stranger, err := signature.NewSigner(webhook.NewSecret())
	if err != nil {
		d.add("signature", webhook.VerdictSkipped, nil, "not checked: no other secret could be made")
		return
	}
	res := t.send(ctx, target, webhook.TestEventType, []byte("{}"), stranger)
	facts := map[string]any{"status_code": res.StatusCode}
	switch res.StatusCode / 100 {
	case 2:
		d.add("signature", webhook.VerdictFail, facts, "The receiver accepts forged webhooks: it answered %d to a wrong signature. "+
			"Verify the signature of every request, and answer 401 when it is wrong.", res.StatusCode)
	case 4:
		d.add("signature", webhook.VerdictOK, facts, "The receiver refuses a wrong signature, with %d.", res.StatusCode)
	default:
		d.add("signature", webhook.VerdictWarn, facts, "The receiver failed at a wrong signature (%d) instead of refusing it. Answer 401.", res.StatusCode)
	}
}

func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
