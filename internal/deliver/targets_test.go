package deliver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// fakeSources has endpoints that a test changes.
type fakeSources struct {
	endpoints map[webhook.ID]webhook.Endpoint
	sealed    map[webhook.ID]error
	loads     int
}

func (f *fakeSources) Events(context.Context, []webhook.Member) (map[webhook.ID]webhook.CarriedEvent, error) {
	return nil, nil
}

func (f *fakeSources) Endpoints(_ context.Context, ids []webhook.ID) (all []webhook.Endpoint, sealed map[webhook.ID]error, err error) {
	f.loads++
	sealed = make(map[webhook.ID]error)
	for _, id := range ids {
		if err := f.sealed[id]; err != nil {
			sealed[id] = err
		} else if e, ok := f.endpoints[id]; ok {
			all = append(all, e)
		}
	}
	return all, sealed, nil
}

func (f *fakeSources) put(n byte, version int64, change ...func(*webhook.Endpoint)) {
	e := webhook.Endpoint{ID: ep(n), URL: fmt.Sprintf("https://example.com/%d", version), Secret: webhook.NewSecret(), Version: version}
	for _, c := range change {
		c(&e)
	}
	f.endpoints[e.ID] = e
}

func TestTargets(t *testing.T) {
	t.Parallel()
	setup := func() (*fakeSources, *targets) {
		f := &fakeSources{endpoints: make(map[webhook.ID]webhook.Endpoint), sealed: make(map[webhook.ID]error)}
		return f, newTargets(f, &Config{EndpointBytes: 16 << 20, Timeout: time.Second, MaxInFlight: 64, RetrySchedule: []time.Duration{time.Minute}})
	}
	get := func(t *testing.T, all *targets, versions map[webhook.ID]int64) map[webhook.ID]*target {
		t.Helper()
		found, err := all.get(t.Context(), versions)
		must(t, err)
		return found
	}

	t.Run("LoadOnceWhatDoesNotChange", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		f.put(1, 1)
		for range 3 {
			get(t, all, map[webhook.ID]int64{ep(1): 1})
		}
		if f.loads != 1 {
			t.Errorf("%d loads", f.loads)
		}
	})

	t.Run("HideTheirSecretsAndHeadersInAnswers", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		next := time.Now().Add(time.Hour)
		f.put(1, 1, func(e *webhook.Endpoint) {
			e.NextSecret, e.NextSecretAt, e.Headers = webhook.NewSecret(), &next, map[string]string{"X-Token": "the-value-of-a-header"}
		})
		e := get(t, all, map[webhook.ID]int64{ep(1): 1})[ep(1)]
		req, _ := e.request("test", time.Now(), webhook.CarriedEvent{Body: []byte("{}")}, ep(2), 1, e.signing.at(time.Now(), false))
		echo := fmt.Sprintf("%s %s %s fine", e.Secret, e.NextSecret, e.Headers["X-Token"])
		if got := req.Hidden.MaskString(echo); got != "*** *** *** fine" {
			t.Errorf("%q is kept", got)
		}
	})

	t.Run("LoadWhatHasANewVersionAndSignWithItsSecret", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		f.put(1, 1)
		old := get(t, all, map[webhook.ID]int64{ep(1): 1})[ep(1)]
		f.put(1, 2)
		now := get(t, all, map[webhook.ID]int64{ep(1): 2})[ep(1)]
		if now.URL != "https://example.com/2" || now.signing.first.body.Sign(nil) == old.signing.first.body.Sign(nil) {
			t.Errorf("got %s", now.URL)
		}
	})

	t.Run("MissADeletedOne", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		f.put(1, 1)
		if found := get(t, all, map[webhook.ID]int64{ep(1): 1, ep(2): 1}); found[ep(2)] != nil || found[ep(1)] == nil {
			t.Errorf("got %v", found)
		}
	})

	t.Run("AskAgainForASealedOne", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		f.put(1, 1)
		f.sealed[ep(1)] = errAway
		if e := get(t, all, map[webhook.ID]int64{ep(1): 1})[ep(1)]; e == nil || e.err == nil {
			t.Fatalf("got %+v", e)
		}
		delete(f.sealed, ep(1))
		if e := get(t, all, map[webhook.ID]int64{ep(1): 1})[ep(1)]; e.err != nil {
			t.Errorf("got %v", e.err)
		}
	})

	t.Run("StayWithinTheirBytes", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		all.maxBytes = 30_000
		for n := range byte(100) {
			f.put(n, 1, func(e *webhook.Endpoint) { e.Headers = map[string]string{"X-Large": strings.Repeat("a", 4000)} })
			get(t, all, map[webhook.ID]int64{ep(n): 1})
			f.put(n, 2) // shrinks
			get(t, all, map[webhook.ID]int64{ep(n): 2})
		}
		held := 0
		for _, e := range all.cache.Values() {
			held += e.bytes
		}
		if all.bytes != held || held > 30_000 || all.cache.Len() < 10 {
			t.Errorf("%d endpoints with %d bytes, counted as %d", all.cache.Len(), held, all.bytes)
		}
	})

	t.Run("KeepAnEmptyScheduleApartFromNone", func(t *testing.T) {
		t.Parallel()
		f, all := setup()
		f.put(1, 1, func(e *webhook.Endpoint) { e.RetrySchedule = []time.Duration{} })
		f.put(2, 1)
		found := get(t, all, map[webhook.ID]int64{ep(1): 1, ep(2): 1})
		if len(found[ep(1)].schedule) != 0 || len(found[ep(2)].schedule) != 1 {
			t.Errorf("got %v and %v", found[ep(1)].schedule, found[ep(2)].schedule)
		}
	})
}
