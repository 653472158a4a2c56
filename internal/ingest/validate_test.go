package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/postrider/postrider/internal/webhook"
)

// typeStore is a catalogue for one bubble; a schema is a word that data must hold.
type typeStore struct {
	*memory
	rules   map[string]webhook.TypeRule
	words   map[string]string
	taken   []string
	loads   int // of rules
	reads   int // of schemas
	made    int // schemas compiled
	err     error
	holding func() // runs while data is held against a schema
}

func (s *typeStore) Rules(_ context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]map[string]webhook.TypeRule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	out := make(map[webhook.WorkspaceID]map[string]webhook.TypeRule)
	for _, id := range ids {
		if id == "w" {
			out[id] = make(map[string]webhook.TypeRule)
			for name, rule := range s.rules {
				out[id][name] = rule
			}
		}
	}
	return out, s.err
}

func (s *typeStore) Schemas(_ context.Context, _ webhook.WorkspaceID, names []string) (map[string]webhook.TypeSchema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	out := make(map[string]webhook.TypeSchema)
	for _, name := range names {
		if rule, ok := s.rules[name]; ok {
			out[name] = webhook.TypeSchema{Version: rule.Version, Schema: json.RawMessage(s.words[name])}
		}
	}
	return out, s.err
}

func (s *typeStore) Known(context.Context, webhook.WorkspaceID, []string) ([]string, error) {
	return s.taken, s.err
}

// put is a change that is committed when it returns.
func (s *typeStore) put(name string, v webhook.Validation, word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.types["w"]++
	if v == webhook.ValidationOff {
		delete(s.rules, name)
		return
	}
	s.rules[name], s.words[name] = webhook.TypeRule{Validation: v, Version: s.types["w"]}, word
}

type word struct {
	store *typeStore
	text  []byte
}

func (w word) Size() int { return 1000 }

func (w word) Validate(data json.RawMessage, pointer string) []webhook.FieldError {
	if w.store.holding != nil {
		w.store.holding()
	}
	if bytes.Contains(data, w.text) {
		return nil
	}
	return []webhook.FieldError{{Pointer: pointer, Detail: fmt.Sprintf("lacks %s", w.text)}}
}

// typed is a bubble whose Ingester holds events against a catalogue.
func typed(t *testing.T, test func(t *testing.T, w *world, s *typeStore)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.types = make(map[webhook.WorkspaceID]int64)
		s := &typeStore{memory: m, rules: make(map[string]webhook.TypeRule), words: make(map[string]string)}
		w := &world{memory: m, queue: &fakeQueue{}}
		w.Ingester = New(m, m, w.queue, Config{Registerer: prometheus.NewRegistry(), Types: &Types{
			Store: s, CacheBytes: 10_000, Compile: func(raw json.RawMessage) (Schema, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.made++
				return word{s, raw}, nil
			},
		}})
		w.Start()
		defer w.Stop(context.Background())
		test(t, w, s)
	})
}

func (w *world) say(text string, events ...webhook.NewEvent) ([]webhook.Accepted, error) {
	if events == nil {
		events = []webhook.NewEvent{{Type: "t", Data: json.RawMessage(`{"text":"` + text + `"}`)}}
	}
	return w.Accept(context.Background(), "w", events)
}

func (w *world) invalid(validation webhook.Validation) float64 {
	var m dto.Metric
	if err := w.metrics.invalid.WithLabelValues(string(validation)).Write(&m); err != nil {
		panic(err)
	}
	return m.GetCounter().GetValue()
}

func wantInvalid(t *testing.T, err error) {
	t.Helper()
	if webhook.CodeOf(err) != webhook.CodeInvalid {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestEventTypes(t *testing.T) {
	t.Parallel()

	t.Run("CostNothingWhereThereNeverWasOne", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			for range 3 {
				must(t, w.publish("w", "t"))
			}
			if s.loads+s.reads+s.made != 0 || len(w.groups) != 3 {
				t.Errorf("%d loads, %d reads, %d compiled, %d commits", s.loads, s.reads, s.made, len(w.groups))
			}
		})
	})

	t.Run("AreLoadedAndCompiledOncePerVersion", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationReject, "yes")
			s.put("u", webhook.ValidationReject, "yes")
			for range 5 {
				_, err := w.say("yes")
				must(t, err)
				must(t, w.publish("w", "other"))
			}
			if s.loads != 1 || s.reads != 1 || s.made != 1 {
				t.Errorf("%d loads, %d reads, %d compiled", s.loads, s.reads, s.made)
			}
			s.put("u", webhook.ValidationReject, "no") // t's schema stays as it is
			_, err := w.say("yes")
			must(t, err)
			if s.loads != 2 || s.made != 1 {
				t.Errorf("%d loads, %d compiled", s.loads, s.made)
			}
		})
	})

	t.Run("ChangedWhileDataIsHeldAgainstThemAreAskedAgain", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationReject, "yes")
			s.holding = sync.OnceFunc(func() { s.put("t", webhook.ValidationReject, "no") })
			_, err := w.say("yes") // right by the old schema
			wantInvalid(t, err)
			s.holding = sync.OnceFunc(func() { s.put("t", webhook.ValidationReject, "yes") })
			_, err = w.say("yes") // wrong by the old schema
			must(t, err)
			s.holding = sync.OnceFunc(func() { s.put("t", webhook.ValidationOff, "") })
			a, err := w.say("no")
			must(t, err)
			if a[0].Warnings != nil || len(w.groups) != 2 {
				t.Errorf("got %+v, %d commits", a, len(w.groups))
			}
		})
	})

	t.Run("ThatNeverStandStillAreGivenUpOn", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationReject, "yes")
			s.holding = func() { s.put("t", webhook.ValidationReject, "yes") }
			_, err := w.say("yes")
			wantUnavailable(t, err)
			if len(w.groups) != 0 {
				t.Error("it was stored all the same")
			}
		})
	})

	t.Run("AreCountedOnce", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationWarn, "yes")
			a, err := w.say("no")
			must(t, err)
			if len(a[0].Warnings) != 1 || w.invalid(webhook.ValidationWarn) != 1 {
				t.Errorf("got %+v, counted %v", a, w.invalid(webhook.ValidationWarn))
			}
			s.put("t", webhook.ValidationReject, "yes")
			_, err = w.say("", webhook.NewEvent{Type: "t", Data: []byte(`{}`)}, webhook.NewEvent{Type: "t", Data: []byte(`{"a":"yes"}`)}, webhook.NewEvent{Type: "t", Data: []byte(`{}`), Pointer: "/events/2"})
			wantInvalid(t, err)
			var e *webhook.Error
			if !errors.As(err, &e) || len(e.Fields) != 2 || e.Fields[1].Pointer != "/events/2/data" {
				t.Errorf("got %+v", e)
			}
			if w.invalid(webhook.ValidationReject) != 2 || w.invalid(webhook.ValidationWarn) != 1 {
				t.Errorf("counted %v and %v", w.invalid(webhook.ValidationReject), w.invalid(webhook.ValidationWarn))
			}
		})
	})

	t.Run("RefuseNoEventThatWasAcceptedBefore", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			must(t, w.publishID("w", "t", "mine"))
			s.put("t", webhook.ValidationReject, "yes")
			s.taken = []string{"mine"}
			a, err := w.say("", webhook.NewEvent{ID: "mine", Type: "t", Data: []byte(`{}`)})
			must(t, err)
			if !a[0].Duplicate || a[0].Warnings != nil {
				t.Errorf("got %+v", a)
			}
			_, err = w.say("", webhook.NewEvent{ID: "other", Type: "t", Data: []byte(`{}`)})
			wantInvalid(t, err)
		})
	})

	t.Run("ThatCanNotBeReadStoreNothing", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationReject, "yes")
			s.err = errAway
			_, err := w.say("yes")
			wantUnavailable(t, err)
			s.err = nil
			_, err = w.say("yes")
			must(t, err)
			if len(w.groups) != 1 {
				t.Errorf("%d commits", len(w.groups))
			}
		})
	})

	t.Run("OfOneWorkspaceHoldUpNoOther", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			s.put("t", webhook.ValidationReject, "yes")
			gate := make(chan struct{})
			s.holding = func() { <-gate }
			var slow sync.WaitGroup
			slow.Go(func() {
				_, err := w.say("yes")
				check(t, err)
			})
			synctest.Wait()
			must(t, w.publish("other", "t"))
			close(gate)
			slow.Wait()
		})
	})

	t.Run("TakeBoundedMemory", func(t *testing.T) {
		typed(t, func(t *testing.T, w *world, s *typeStore) {
			for n := range 30 {
				name := fmt.Sprintf("t%d", n)
				s.put(name, webhook.ValidationReject, "yes")
				_, err := w.say("", webhook.NewEvent{Type: name, Data: []byte(`"yes"`)})
				must(t, err)
			}
			if v := w.Ingester.types; v.bytes != 10_000 || v.schemas.Len() != 10 {
				t.Errorf("%d bytes are counted for %d schemas", v.bytes, v.schemas.Len())
			}
		})
	})
}

// What a workspace without event types pays for others having some.
func BenchmarkAccept(b *testing.B) {
	for name, types := range map[string]*Types{"NothingIsHeldAgainstSchemas": nil, "WithoutEventTypes": {}} {
		b.Run(name, func(b *testing.B) {
			m := &forgetful{newMemory()}
			i := New(m, m, &fakeQueue{away: true}, Config{Types: types})
			i.Start()
			defer i.Stop(context.Background())
			events := batch(1, 200, "a")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Accept(context.Background(), "w", events); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// forgetful keeps nothing, for it would keep millions.
type forgetful struct{ *memory }

func (forgetful) Commit(context.Context, *webhook.Group) (map[webhook.ID]webhook.Event, error) {
	return nil, nil
}
