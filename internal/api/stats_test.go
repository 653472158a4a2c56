package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// statsOf decodes an answer, and refuses what is not described.
func statsOf(a *answer) (out statsWire) {
	a.t.Helper()
	a.want(http.StatusOK)
	if err := json.Unmarshal(a.raw, &out); err != nil {
		a.t.Fatalf("%v: %s", err, a.raw)
	}
	return out
}

func TestStats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWorker(b)
	key := b.workspace("mine")
	endpoint := b.endpoint(key)
	ids := make([]string, 5)
	for i := range ids {
		ids[i] = b.delivery(key, `{"type":"a","data":{}}`)
	}
	quiet := b.call(key, "POST", "/v1/endpoints", `{"url":"https://example.com/quiet","events":["nobody.says.this"]}`).want(http.StatusCreated).text("id")
	w.record("mine", ids[0], webhook.StatusSuccess, nil)
	w.record("mine", ids[1], webhook.StatusPending, func(a *webhook.Attempt) { a.ErrorClass, a.Duration = webhook.ClassTimeout, 10*time.Second })
	w.record("mine", ids[1], webhook.StatusSuccess, nil)
	w.record("mine", ids[2], webhook.StatusFailed, nil)
	b.call(key, "POST", "/v1/deliveries/"+ids[3]+"/cancel", "").want(http.StatusAccepted)

	for _, window := range []string{"1h", "24h", "7d", "30d"} {
		for _, path := range []string{"/v1/stats", "/v1/endpoints/" + endpoint + "/stats"} {
			t.Run(window+path[3:7], func(t *testing.T) {
				got := statsOf(b.call(key, "GET", path+"?window="+window, ""))
				if want := (statsCountsWire{Total: 5, Pending: 1, Success: 2, Failed: 1, Canceled: 1}); got.Deliveries != want {
					t.Errorf("deliveries %+v, want %+v", got.Deliveries, want)
				}
				if got.Attempts != 4 || got.SuccessRate == nil || *got.SuccessRate != 2.0/3 {
					t.Errorf("%d attempts, success rate %v", got.Attempts, got.SuccessRate)
				}
				if len(got.Errors) != 2 || got.Errors["timeout"] != 1 || got.Errors["status"] != 1 {
					t.Errorf("errors %v", got.Errors)
				}
				if p := got.Duration; p.P50 == nil || *p.P50 < 1.14 || *p.P50 > 1.26 || *p.P99 < 9500 || *p.P99 > 10500 {
					t.Errorf("durations %+v, of 1.2 ms and 10 s", p)
				}
				if p := got.Latency; p.P50 == nil || *p.P50 <= 0 || *p.P50 > 60_000 {
					t.Errorf("latencies %+v", p)
				}
				checkSeries(t, &got)
			})
		}
	}
	t.Run("TheDefaultIsADay", func(t *testing.T) {
		for _, query := range []string{"", "?window="} {
			if got := statsOf(b.call(key, "GET", "/v1/stats"+query, "")); got.Window != "24h" || got.PartSeconds != 3600 {
				t.Errorf("%q: %s in parts of %d s", query, got.Window, got.PartSeconds)
			}
		}
	})
	t.Run("AnEndpointsAreItsOwn", func(t *testing.T) {
		got := statsOf(b.call(key, "GET", "/v1/endpoints/"+quiet+"/stats", ""))
		if got.Deliveries.Total != 0 || got.EndpointID == nil || *got.EndpointID != quiet {
			t.Errorf("got %+v of %v", got.Deliveries, got.EndpointID)
		}
		if got.SuccessRate != nil || got.Duration.P50 != nil || got.Latency.P99 != nil || got.Errors == nil {
			t.Errorf("of nothing: rate %v, duration %v, latency %v, errors %v", got.SuccessRate, got.Duration, got.Latency, got.Errors)
		}
		checkSeries(t, &got)
	})
	t.Run("SeveralAtOnceAreWhatEachIs", func(t *testing.T) {
		stranger := b.endpoint(b.workspace("far"))
		a := b.call(key, "GET", "/v1/endpoint-stats?window=24h&endpoint_ids="+strings.Join([]string{quiet, stranger, "ep_nobody", endpoint, quiet}, ","), "").want(http.StatusOK)
		var got list[statsWire]
		if err := json.Unmarshal(a.raw, &got); err != nil || len(got.Data) != 2 || *got.Data[0].EndpointID != quiet || *got.Data[1].EndpointID != endpoint {
			t.Fatalf("got %s, %v", a.raw, err)
		}
		if got.Data[0].Deliveries.Total != 0 || got.Data[1].Deliveries.Total != 5 || got.Data[1].Attempts != 4 {
			t.Errorf("got %+v and %+v", got.Data[0].Deliveries, got.Data[1].Deliveries)
		}
		one := statsOf(b.call(key, "GET", "/v1/endpoints/"+endpoint+"/stats", ""))
		if fmt.Sprint(one.Deliveries, one.Errors, *one.Duration.P95) != fmt.Sprint(got.Data[1].Deliveries, got.Data[1].Errors, *got.Data[1].Duration.P95) {
			t.Errorf("got %+v, alone %+v", got.Data[1], one)
		}
		for _, query := range []string{"", "?endpoint_ids=", "?endpoint_ids=" + strings.Repeat(endpoint+",", 50) + endpoint, "?endpoint_ids=" + endpoint + "&window=2h"} {
			b.call(key, "GET", "/v1/endpoint-stats"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
		}
	})
	t.Run("AnotherWorkspaceSeesNothing", func(t *testing.T) {
		other := b.workspace("other")
		if got := statsOf(b.call(other, "GET", "/v1/stats", "")); got.Deliveries.Total != 0 || got.EndpointID != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("RefusesWindowsThatItDoesNotHave", func(_ *testing.T) {
		for _, window := range []string{"1d", "24H", "0", "24h%20"} {
			b.call(key, "GET", "/v1/stats?window="+window, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "window")
			b.call(key, "GET", "/v1/endpoints/"+endpoint+"/stats?window="+window, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "window")
		}
		b.call(key, "GET", "/v1/stats?since=x", "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "since")
		b.call(key, "GET", "/v1/endpoints/nobody/stats", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
}

// checkSeries fails the test where the parts leave a gap or don't add up.
func checkSeries(t *testing.T, got *statsWire) {
	t.Helper()
	at, sum := got.From, statsPartWire{}
	for _, p := range got.Series {
		if !p.From.Equal(at) || !p.To.After(p.From) {
			t.Errorf("a part from %s to %s after %s", p.From, p.To, at)
		}
		at = p.To
		sum.Total, sum.Success, sum.Attempts = sum.Total+p.Total, sum.Success+p.Success, sum.Attempts+p.Attempts
	}
	if !at.Equal(got.To) || got.AsOf.After(got.To) {
		t.Errorf("the series ends at %s, the window at %s, as of %s", at, got.To, got.AsOf)
	}
	if have, want := fmt.Sprint(sum.Total, sum.Success, sum.Attempts), fmt.Sprint(got.Deliveries.Total, got.Deliveries.Success, got.Attempts); have != want {
		t.Errorf("the parts are %s together, the window is %s", have, want)
	}
}
