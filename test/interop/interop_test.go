// Package interop has the libraries that receivers use verify what Postrider's
// worker sends: those of Standard Webhooks and of Svix, in Go, Node and Python.
package interop

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

func TestMain(m *testing.M) { stack.Main(m) }

const (
	before    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	after     = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	strangers = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

// recorded is a request of the worker's, or one that somebody tampered with, and
// the secret that a receiver verifies it with.
type recorded struct {
	Name   string            `json:"name"`
	Secret string            `json:"secret"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
	valid  bool
}

// verdict is what a library says of a case; no error is a request that it takes.
type verdict struct {
	Library string `json:"library"`
	Case    string `json:"case"`
	Error   string `json:"error"`
}

func TestLibraries(t *testing.T) {
	t.Parallel()
	cases := casesOf(record(t))
	raw, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for language, verify := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			check(t, cases, verify(t, file))
		})
	}
}

// languages have each case verified by two libraries and return what those say.
var languages = map[string]func(t *testing.T, file string) string{
	"Go": func(t *testing.T, file string) string {
		return pinned.Run(t, "go", []string{"GOWORK=off", "GOFLAGS=-mod=readonly"}, "go", "run", ".", file)
	},
	"Node": func(t *testing.T, file string) string {
		modules := pinned.Node("interop-node", "node").Modules(t)
		return pinned.Run(t, "node", nil, "node", "verify.mjs", modules, file)
	},
	"Python": func(t *testing.T, file string) string {
		python := pinned.Python("interop-python", filepath.Join("python", "requirements.txt")).Interpreter(t)
		return pinned.Run(t, "python", []string{"PYTHONDONTWRITEBYTECODE=1"}, python, "verify.py", file)
	},
}

// check holds what two libraries said to what they should.
func check(t *testing.T, cases []recorded, said string) {
	t.Helper()
	// A program may have something to say before the last line, about its set-up.
	lines := strings.Split(strings.TrimSpace(said), "\n")
	var verdicts []verdict
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &verdicts); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if len(verdicts) != 2*len(cases) {
		t.Errorf("%d verdicts of %d cases by two libraries", len(verdicts), len(cases))
	}
	valid := map[string]bool{}
	for _, c := range cases {
		valid[c.Name] = c.valid
	}
	for _, v := range verdicts {
		if want, known := valid[v.Case]; !known || (v.Error == "") != want {
			t.Errorf("%s, %s: valid is %t (%s), want %t", v.Library, v.Case, v.Error == "", v.Error, want)
		}
		if !valid[v.Case] && !strings.Contains(strings.ToLower(v.Error), "no matching signature") {
			t.Errorf("%s, %s: refused for another reason: %s", v.Library, v.Case, v.Error)
		}
	}
}

// requests are the worker's, in each format: by one secret, and by two.
type requests struct {
	single, rotating map[string]hooktest.ReceivedEvent
}

// payload has what JSON can be written in several ways of.
const payload = `{"b":1.0,"a":12345678901234567890,"text":"<é> & 🚀 \u00e9 \/","nested":{"z":[],"y":null}}`

// record has a real worker send an event to an endpoint of each format, and once
// more while the endpoints' secrets rotate.
func record(t *testing.T) requests {
	t.Helper()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	c := s.Workspace(t, api)
	got := requests{map[string]hooktest.ReceivedEvent{}, map[string]hooktest.ReceivedEvent{}}
	receivers, endpoints := map[string]*hooktest.Receiver{}, map[string]stack.Endpoint{}
	for _, format := range []string{"standard", "raw", "cloudevents"} {
		// It verifies with the old secret, which X-Webhook-Signature stays with.
		r := hooktest.NewReceiver(t, before)
		var e stack.Endpoint
		c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
			"url": r.URL, "events": []string{"*"}, "secret": before, "format": format,
		}, http.StatusCreated, &e)
		receivers[format], endpoints[format] = r, e
	}
	publish := func() {
		in := map[string]any{"type": "post.created", "data": json.RawMessage(payload)}
		c.Call(t, http.MethodPost, "/v1/events", in, http.StatusAccepted, nil)
	}
	publish()
	for format, r := range receivers {
		got.single[format] = r.WaitFor(1)[0]
	}
	for _, e := range endpoints {
		c.Call(t, http.MethodPost, "/v1/endpoints/"+e.ID+"/secret/rotate", stack.Settings{"secret": after}, http.StatusOK, nil)
	}
	publish()
	for format, r := range receivers {
		got.rotating[format] = r.WaitFor(2)[1]
	}
	return got
}
