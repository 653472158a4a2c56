package docs

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

func TestMain(m *testing.M) { stack.Main(m) }

// before is what a reader has done before a page's first block: curl that fails
// where the API refuses, and the newest of what … stands for.
const before = `set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
newest() { # of the first list that has any
  for list in "$@"; do
    id=$(command curl -sS "$URL/v1/$list" -H "Authorization: Bearer $KEY" | jq -r '.data[0].id')
    [ "$id" = null ] || break
  done
  echo "$id"
}
end() { kill $(jobs -p) 2>/dev/null || true; }
trap end EXIT
`

// placeholders are ids as pages write them. What is tried again is what failed, if a
// block before did not try that already.
var placeholders = strings.NewReplacer(
	`"dlv_…"`, `"'`+newestDelivery+`'"`, // within a body's quotes
	"dlv_…", newestDelivery, "ep_…", "$(newest endpoints)", "evt_…", "$(newest events)")

const newestDelivery = "$(newest 'deliveries?status=failed' deliveries)"

// TestShell types a page's blocks, one after the other, in the checkout, with URL, KEY
// and ADMIN_KEY set. What a text block after one shows has to be what it printed.
func TestShell(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	s.Scheduler(t)
	for name, page := range pages(t) {
		all := blocks(name, page)
		if !hasShell(all) {
			continue
		}
		// One after the other: docs/rotation.md encrypts everybody's secrets with a key
		// that these processes don't know.
		t.Run(name, func(t *testing.T) {
			c := s.Workspace(t, api)
			failed(t, c)
			_, port, err := net.SplitHostPort(stack.FreeAddr(t))
			if err != nil {
				t.Fatal(err)
			}
			script := before
			for _, b := range all {
				if b.language == "sh" {
					script += strings.ReplaceAll(placeholders.Replace(b.text), "4000", port) + "\necho; echo " + mark + "\n"
				}
			}
			here := checkout(t)
			file := filepath.Join(here, "typed.sh")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			env := append(slices.Clone(s.Env), "URL="+api.URL, "KEY="+c.Key(), "ADMIN_KEY="+stack.AdminKey, "TMPDIR="+t.TempDir())
			said := strings.Split(pinned.Run(t, here, env, "timeout", "40", "bash", file), mark)
			wantSaid(t, all, said)
		})
	}
}

// mark is between the output of two blocks.
const mark = "== the next block =="

func hasShell(all []block) bool {
	for _, b := range all {
		if b.language == "sh" {
			return true
		}
	}
	return false
}

// wantSaid holds a text block to the output of the sh block before it. In it … stands
// for anything.
func wantSaid(t *testing.T, all []block, said []string) {
	t.Helper()
	at := -1
	for _, b := range all {
		switch b.language {
		case "sh":
			at++
		case "text":
			if at < 0 {
				t.Fatalf("no block was run before\n%s", b.text)
			}
			pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(b.text)), "…", ".+")
			if !regexp.MustCompile(pattern).MatchString(said[at]) {
				t.Errorf("this was to be printed:\n%s\nand this was:\n%s", b.text, said[at])
			}
		}
	}
}

// failed leaves a delivery that failed. Its receiver is no stack.Receiver, which would
// mind the forgery that diagnose sends.
func failed(t *testing.T, c stack.Client) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	endpoint := stack.Settings{"url": server.URL, "events": []string{"reader.failed"}, "retry_schedule": []int{}}
	c.Call(t, http.MethodPost, "/v1/endpoints", endpoint, http.StatusCreated, nil)
	c.Publish(t, "reader.failed")
	c.WaitSettled(t)
}

// checkout has what pages use of one, and room for what they write.
func checkout(t *testing.T) string {
	t.Helper()
	here := t.TempDir()
	if err := os.Mkdir(filepath.Join(here, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"examples":           filepath.Join(root, "examples"),
		"svix-endpoints":     filepath.Join(root, "test/docs/testdata/svix-endpoints"),
		"convoy-export.json": filepath.Join(root, "test/docs/testdata/convoy-export.json"),
		"bin/postrider":      stack.Program(t, "postrider"),
	} {
		if err := os.Symlink(target, filepath.Join(here, name)); err != nil {
			t.Fatal(err)
		}
	}
	return here
}
