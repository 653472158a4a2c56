package deliver

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// tracer notes what it is told.
type tracer struct {
	tell  bool
	begun []webhook.Trace
	ended []TracedAttempt
}

func (f *tracer) Begin(in webhook.Trace, _ time.Time) Span {
	f.begun = append(f.begun, in)
	return &tracedSpan{f}
}

type tracedSpan struct{ *tracer }

var attemptsPlace = webhook.Trace{ID: [16]byte{1}, Span: [8]byte{9}, Sampled: true}

func (s *tracedSpan) Trace() (webhook.Trace, bool) { return attemptsPlace, s.tell }
func (s *tracedSpan) End(a TracedAttempt)          { s.ended = append(s.ended, a) }

// quietSender answers and notes nothing, so that it costs nothing.
type quietSender struct{ answer func(webhook.Request) }

func (s quietSender) Do(_ context.Context, req webhook.Request) webhook.Response {
	if s.answer != nil {
		s.answer(req)
	}
	return webhook.Response{StatusCode: 200}
}

// lone is a member of its own, ready to be sent.
func lone(t testing.TB, sender Sender, tr Tracer, trace webhook.Trace, change ...func(*webhook.Endpoint)) *member {
	t.Helper()
	m := newMemory()
	ep := m.endpoint(change...)
	r := New(Deps{Rows: m, Sources: m, Sender: sender}, func() int { return 1 }, Config{WorkerID: "me", UserAgent: "Postrider/test", Tracer: tr})
	targets, err := r.targets.get(context.Background(), map[webhook.ID]int64{ep: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &member{
		Member: webhook.Member{DeliveryID: webhook.NewID(time.Now()), EndpointID: ep, WorkspaceID: "w"},
		event:  webhook.CarriedEvent{PublicID: "evt_x", Type: "a.b", Body: []byte(`{}`), Trace: trace},
		target: targets[ep], run: &run{r: r}, standing: &webhook.Standing{},
	}
}

// TestTracingCostsNothingWhereNothingIsTraced: not off, and not for an event whose
// publisher is not traced.
func TestTracingCostsNothingWhereNothingIsTraced(t *testing.T) {
	allocs := func(tr Tracer, trace webhook.Trace) float64 {
		m := lone(t, quietSender{}, tr, trace)
		least := math.Inf(1) // under the race detector sync.Pool forgets at random
		for range 100 {
			least = min(least, testing.AllocsPerRun(1, func() { m.send(context.Background(), false, time.Second) }))
		}
		return least
	}
	off, untraced, traced := allocs(nil, webhook.Trace{}), allocs(&tracer{}, webhook.Trace{}), allocs(&tracer{}, attemptsPlace)
	if off != untraced || allocs(nil, attemptsPlace) != off {
		t.Errorf("an attempt allocates %.0f times without a tracer, and %.0f with one that has nothing to do", off, untraced)
	}
	if traced <= off {
		t.Errorf("a traced one allocates %.0f times, so this measures nothing", traced)
	}
}

func TestTracedAttempts(t *testing.T) {
	t.Parallel()
	in := webhook.Trace{ID: [16]byte{1}, Span: [8]byte{2}, Sampled: true}
	for name, tt := range map[string]struct {
		tell   bool
		change func(*webhook.Endpoint)
		want   []string
	}{
		"Untold":        {false, func(*webhook.Endpoint) {}, nil},
		"Told":          {true, func(*webhook.Endpoint) {}, []string{attemptsPlace.String()}},
		"HasItsOwnWord": {true, func(e *webhook.Endpoint) { e.Headers = map[string]string{"traceparent": "mine"} }, []string{"mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			tr := &tracer{tell: tt.tell}
			m := lone(t, quietSender{func(req webhook.Request) {
				for _, h := range req.Header {
					if h.Name == "Traceparent" || h.Name == "traceparent" {
						got = append(got, h.Value)
					}
				}
			}}, tr, in, tt.change)
			x := m.send(context.Background(), false, time.Second)
			if len(got) != len(tt.want) || len(got) == 1 && got[0] != tt.want[0] {
				t.Errorf("the receiver was told %q, want %q", got, tt.want)
			}
			kept := 0
			for _, h := range x.sent {
				if h.Name == "Traceparent" || h.Name == "traceparent" {
					kept++
				}
			}
			if kept != len(tt.want) {
				t.Errorf("%d of what was told is kept with the attempt", kept)
			}
			if len(tr.begun) != 1 || tr.begun[0] != in || len(tr.ended) != 1 || tr.ended[0].Number != 1 || tr.ended[0].Response.StatusCode != 200 {
				t.Errorf("the tracer was told %+v and %+v", tr.begun, tr.ended)
			}
		})
	}
	t.Run("EndsAfterAPanic", func(t *testing.T) {
		t.Parallel()
		tr := &tracer{}
		m := lone(t, quietSender{func(webhook.Request) { panic("ouch") }}, tr, in)
		m.send(context.Background(), false, time.Second)
		if len(tr.ended) != 1 || tr.ended[0].Response.Err == nil {
			t.Errorf("it ended as %+v", tr.ended)
		}
	})
}
