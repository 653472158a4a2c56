package receivers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestReceiver(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	// What an endpoint that fails does not get at once is parked, and released by this one.
	s.Scheduler(t)
	for _, l := range languages(t) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			for claim, holds := range map[string]func(*testing.T, stack.Client, language){
				"HandlesWhatPostriderSendsOnce":          handlesOnce,
				"HandlesOnceWhatComesAtTheSameMoment":    handlesOnceAtOnce,
				"RefusesForgeries":                       refusesForgeries,
				"LosesNothingBetweenTheAnswerAndTheWork": outlivesAKill,
				"KnowsTwoSecretsWhileOneRotates":         rotates,
				"TakesNothingWithoutASecret":             takesNothing,
			} {
				t.Run(claim, func(t *testing.T) { holds(t, s.Workspace(t, api), l) })
			}
		})
	}
}

// handlesOnce goes the whole way, with deliveries, a replay, and diagnose's forgery.
func handlesOnce(t *testing.T, c stack.Client, l language) {
	r := started(t, l)
	e := r.endpoint(t, c, "", secret)
	r.endpoint(t, c, "/", another)
	events := c.PublishBatch(t, "post.created", 5)
	c.WaitSettled(t)
	c.Call(t, http.MethodPost, "/v1/events/"+events[0]+"/replay", stack.Settings{"endpoint_ids": []string{e.ID}}, http.StatusAccepted, nil)
	c.WaitSettled(t)
	for i, id := range events {
		codes := map[int]int{}
		for _, d := range c.Deliveries(t, id) {
			codes[d.StatusCode]++
		}
		want := 1
		if i == 0 {
			want = 2 // the replay
		}
		if codes[http.StatusNoContent] != want || codes[http.StatusUnauthorized] != 1 {
			t.Errorf("%s got %v, want %d 204 and, for the wrong secret, one 401", id, codes, want)
		}
	}
	last := c.Publish(t, "post.created").ID
	events = append(events, last)
	r.waitHandled(t, events...)
	for _, id := range events {
		if n := r.handled(t, id); n != 1 {
			t.Errorf("%s was handled %d times", id, n)
		}
	}
	var diagnosis struct {
		OK    bool
		Steps []struct{ Name, Status, Detail string }
	}
	c.Call(t, http.MethodPost, "/v1/endpoints/"+e.ID+"/diagnose", nil, http.StatusOK, &diagnosis)
	if last := diagnosis.Steps[len(diagnosis.Steps)-1]; !diagnosis.OK || last.Name != "signature" || last.Status != "ok" {
		t.Errorf("diagnose found %+v", diagnosis)
	}
}

// outlivesAKill kills the receiver when it has answered and not handled yet.
func outlivesAKill(t *testing.T, c stack.Client, l language) {
	r := started(t, l, "WORK_MS=600000")
	r.endpoint(t, c, "", secret)
	events := c.PublishBatch(t, "post.created", 5)
	c.WaitSettled(t)
	if n := len(c.WithStatus(t, "success")); n != len(events) {
		t.Fatalf("%d of %d events were answered", n, len(events))
	}
	if strings.Contains(r.said(t), "handled ") {
		t.Fatal("something was handled already: the work was to take ten minutes")
	}
	r.kill(t)
	r.start(t)
	r.waitHandled(t, events...)
	for _, id := range events {
		c.Call(t, http.MethodPost, "/v1/events/"+id+"/replay", nil, http.StatusAccepted, nil)
	}
	c.WaitSettled(t)
	r.kill(t)
	r.start(t)
	last := c.Publish(t, "post.created").ID
	r.waitHandled(t, last)
	for _, id := range events {
		if n := r.handled(t, id); n != 1 {
			t.Errorf("%s was handled %d times", id, n)
		}
	}
}

// rotates takes a secret's whole rotation with both of them in the variable.
func rotates(t *testing.T, c stack.Client, l language) {
	r := started(t, l, "WEBHOOK_SECRET="+another+","+secret)
	e := r.endpoint(t, c, "", secret)
	path := "/v1/endpoints/" + e.ID + "/secret"
	steps := []func(){
		func() {}, // the old one signs
		func() {
			c.Call(t, http.MethodPost, path+"/rotate", stack.Settings{"secret": another}, http.StatusOK, nil)
		},
		func() { c.Call(t, http.MethodPost, path+"/promote", nil, http.StatusOK, nil) }, // the new one signs
	}
	for i, step := range steps {
		step()
		id := c.Publish(t, "post.created").ID
		c.WaitSettled(t)
		if d := c.Deliveries(t, id)[0]; d.Status != "success" || d.Attempts != 1 {
			t.Errorf("step %d: got %+v", i, d)
		}
		for _, a := range c.Attempts(t, c.Deliveries(t, id)[0].ID) {
			if a.StatusCode != http.StatusNoContent {
				t.Errorf("step %d: got %+v", i, a)
			}
		}
		r.waitHandled(t, id)
	}
}
