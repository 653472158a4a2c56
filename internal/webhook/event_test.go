package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/webhook"
)

// noon is the contract's created_at.
var noon = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)

func TestEncodeBody(t *testing.T) {
	t.Parallel()
	const object = `{"id":123,"title":"My Blog Post","url":"https://example.com/posts/my-blog-post"}`

	t.Run("IsTheContractsBytes", func(t *testing.T) {
		t.Parallel()
		const want = `{"id":"evt_abc123def456","type":"post.created","created_at":"2024-01-15T10:30:00Z",` +
			`"data":{"object":{"id":123,"title":"My Blog Post","url":"https://example.com/posts/my-blog-post"}},"workspace_id":456}`
		got := webhook.EncodeBody("evt_abc123def456", "post.created", noon, json.RawMessage(object), "456")
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})

	t.Run("KeepsWhatTheProducerWrote", func(t *testing.T) {
		t.Parallel()
		for _, data := range []string{
			`{}`, `{"b":1,"a":2}`, `{"n":1.0,"m":1e2,"big":12345678901234567890,"z":-0}`, `{"h":"<a href=\"x\">&</a>"}`,
			`{"u":"\u00e9 é \ud83d\ude00"}`, `{"a":1,"a":2}`, `{"x":"\",\"data\":{\"object\":{}}"}`,
		} {
			body := webhook.EncodeBody("e", "a.b", noon, json.RawMessage(data), "w")
			if !strings.Contains(string(body), `"data":{"object":`+data+`},`) {
				t.Errorf("%s became %s", data, body)
			}
			if !json.Valid(body) || strings.HasSuffix(string(body), "\n") {
				t.Errorf("got %q", body)
			}
		}
	})

	t.Run("WritesTheTimeInUTC", func(t *testing.T) {
		t.Parallel()
		at := time.Date(2024, 1, 15, 11, 30, 0, 120_000_000, time.FixedZone("", 3600))
		body := webhook.EncodeBody("e", "a", at, json.RawMessage(`{}`), "w")
		if !strings.Contains(string(body), `"created_at":"2024-01-15T10:30:00.12Z"`) {
			t.Errorf("got %s", body)
		}
	})
}

func TestDataOfIsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	workspaces := []webhook.WorkspaceID{"456", "0", "a", "007", webhook.WorkspaceID(strings.Repeat("9", 64))}

	t.Run("ForAnyObject", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			// A string may hold what looks like the body's own frame.
			text := rapid.SampledFrom([]string{"", `","data":{"object":`, `},"workspace_id":456}`, "\x00é"}).Draw(t, "text") +
				rapid.String().Draw(t, "more")
			data, err := json.Marshal(map[string]any{"k": text, rapid.String().Draw(t, "key"): rapid.Int().Draw(t, "n")})
			if err != nil {
				t.Fatal(err)
			}
			ws := rapid.SampledFrom(workspaces).Draw(t, "workspace")
			body := webhook.EncodeBody("evt_1", "a.b", noon, data, ws)
			if got := webhook.DataOf(body, ws); string(got) != string(data) {
				t.Fatalf("got %s, want %s", got, data)
			}
		})
	})

	t.Run("BehindTheLongestNames", func(t *testing.T) {
		t.Parallel()
		id, name := strings.Repeat("i", 128), strings.Repeat("t", webhook.MaxTypeBytes)
		at := noon.Add(123456789 * time.Nanosecond)
		body := webhook.EncodeBody(id, name, at, json.RawMessage(`{"a":1}`), workspaces[4])
		if got := webhook.DataOf(body, workspaces[4]); string(got) != `{"a":1}` {
			t.Errorf("got %s", got)
		}
	})

	t.Run("AndNothingOfWhatIsNoBody", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{"", "{}", `{"id":"x","data":{"object":`, `","data":{"object":}`} {
			if got := webhook.DataOf([]byte(body), "456"); got != nil {
				t.Errorf("%q holds %s", body, got)
			}
		}
	})
}

func TestPublicID(t *testing.T) {
	t.Parallel()
	e := webhook.Event{ID: webhook.NewID(noon)}
	if want := e.ID.Format("evt_"); e.PublicID() != want {
		t.Errorf("without an id of its own it is %s, want %s", e.PublicID(), want)
	}
	if e.ExternalID = "order-1"; e.PublicID() != "order-1" {
		t.Errorf("it is %s", e.PublicID())
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	word := func(n int) string { return strings.Repeat("a", n) }
	tests := []struct {
		name      string
		valid     func(string) bool
		good, bad []string
	}{
		{
			"EventID", webhook.ValidEventID,
			[]string{"a", "0", "-", "_", "A-Za_z09", word(128), "evt_01j"},
			[]string{"", word(129), "a.b", "a b", "a/b", "é", "a\n", "a\x00", "a:b"},
		},
		{
			"EventType", webhook.ValidEventType,
			[]string{"a", "post.created", "A-b_9.c.d.e", word(256), word(127) + "." + word(128)},
			[]string{"", ".", "a.", ".a", "a..b", "*", "post.*", word(257), word(128) + "." + word(128), "a b", "é", "a.b\n", "a/b"},
		},
		{
			"Pattern", webhook.ValidPattern,
			[]string{"*", "a", "post.created", "post.*", "a.b.c.*"},
			[]string{"", "**", ".*", "*.a", "a.*.b", "post*", "a..*", "a.**", "a.* ", " *", "post.", word(257) + ".*"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range tt.good {
				if !tt.valid(s) {
					t.Errorf("%q is refused", s)
				}
			}
			for _, s := range tt.bad {
				if tt.valid(s) {
					t.Errorf("%q is taken", s)
				}
			}
		})
	}
}

// BenchmarkEncodeBody writes an event's body, once for all its receivers.
func BenchmarkEncodeBody(b *testing.B) {
	data := json.RawMessage(`{"id":123,"note":"` + strings.Repeat("lorem ipsum dolor ", 15) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		webhook.EncodeBody("evt_01jdfz3gmdkeepsarchiveonly", "post.created", noon, data, "w")
	}
}
