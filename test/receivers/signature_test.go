package receivers

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/pinned"
)

// The contract's vectors.
const (
	vectorID        = "evt_abc123def456"
	vectorTimestamp = "1640995200"
	vectorBody      = `{"id":"evt_abc123def456","type":"post.created","created_at":"2024-01-15T10:30:00Z","data":{"object":{"id":123,"title":"My Blog Post","url":"https://example.com/posts/my-blog-post"}},"workspace_id":456}`
	vectorSigned    = "sha256=470f55180a5a2afb9fce9a9fcf7d6970cac6b84b6abe4ff61920698607c29ada"
	vectorStandard  = "v1,dXEieW8SqTTgWibJidrlIOuIPtsQ5PhkAax1EFq9oHM="
)

// question is what a verifying function is asked.
type question struct {
	Claim     string   `json:"-"`
	Body      string   `json:"body"`
	ID        string   `json:"id"`
	Timestamp string   `json:"timestamp"`
	Signature *string  `json:"signature"`
	Secrets   []string `json:"secrets"`
	Now       int64    `json:"now"`
	Want      bool     `json:"-"`
}

// questions are about a signature of the vectors' body, in either scheme.
func questions(right string) []question {
	ask := func(claim string, want bool, change func(*question)) question {
		q := question{claim, vectorBody, vectorID, vectorTimestamp, &right, []string{secret}, 1640995200, want}
		change(&q)
		return q
	}
	signed := func(s string) func(*question) { return func(q *question) { q.Signature = &s } }
	secrets := func(s ...string) func(*question) { return func(q *question) { q.Secrets = s } }
	return []question{
		ask("the vector", true, func(*question) {}),
		ask("the second of two secrets", true, secrets(another, secret)),
		ask("the first of two secrets", true, secrets(secret, another)),
		ask("another secret", false, secrets(another)),
		ask("another body", false, func(q *question) { q.Body += "\n" }),
		ask("no signature", false, func(q *question) { q.Signature = nil }),
		ask("an empty one", false, signed("")),
		ask("a short one", false, signed(right[:len(right)-1])),
		ask("a long one", false, signed(right+"0")),
		ask("one that is no ASCII", false, signed(strings.Repeat("é", len(right)))),
		ask("one whose length is right in characters only", false, signed(right[:len(right)-1]+"é")),
	}
}

// answers runs a verifying program: it reads the questions from the file that is its
// argument, and writes true or false for each, a line each.
func answers(t *testing.T, asked []question, program ...string) {
	t.Helper()
	raw, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	said := pinned.Run(t, ".", nil, program[0], append(program[1:], script(t, "questions.json", string(raw)))...)
	got := strings.Fields(said)
	if len(got) != len(asked) {
		t.Fatalf("got %d answers to %d questions: %s", len(got), len(asked), said)
	}
	for i, q := range asked {
		if got[i] != fmt.Sprint(q.Want) {
			t.Errorf("%s: got %s, want %t", q.Claim, got[i], q.Want)
		}
	}
}

// TestPageSignature holds the page's functions for X-Webhook-Signature to the vectors.
func TestPageSignature(t *testing.T) {
	t.Parallel()
	const (
		php = `foreach (json_decode(file_get_contents($argv[1]), true) as $q) {
	echo json_encode(validSignature($q['body'], $q['signature'] ?? '', $q['secrets'])), "\n";
}`
		js = `for (const q of JSON.parse(require("node:fs").readFileSync(process.argv[2]))) {
	console.log(validSignature(Buffer.from(q.body), q.signature ?? undefined, q.secrets));
}`
		py = `import json, sys
for q in json.load(open(sys.argv[1])):
	print(json.dumps(valid_signature(q["body"].encode(), q["signature"], q["secrets"])))`
	)
	code := page(t)
	asked := append(questions(vectorSigned), question{Claim: "no secret", Body: "", Signature: ptr(emptySigned), Secrets: []string{""}},
		question{Claim: "no secrets", Body: "", Signature: ptr(emptySigned), Secrets: []string{}})
	for _, s := range []struct{ language, program, before, name, after string }{
		{"PHP", "php", "<?php declare(strict_types=1);", "signature.php", php},
		{"Node", "node", "", "signature.js", js},
		{"Python", "python3", "", "signature.py", py},
	} {
		t.Run(s.language, func(t *testing.T) {
			t.Parallel()
			answers(t, asked, s.program, script(t, s.name, s.before, code.get(t, s.name), s.after))
		})
	}
}

// emptySigned is the signature of nothing by the empty secret.
const emptySigned = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"

func ptr(s string) *string { return &s }

// TestVerify holds the examples' own functions to the vectors of Standard Webhooks.
func TestVerify(t *testing.T) {
	t.Parallel()
	php := `<?php declare(strict_types=1);
require '` + example(t, "php/verify.php") + `';
foreach (json_decode(file_get_contents($argv[1]), true) as $q) {
	echo json_encode(verified($q['id'], $q['timestamp'], $q['signature'] ?? '', $q['body'], parseSecrets(implode(',', $q['secrets'])), $q['now'])), "\n";
}`
	js := `const { parseSecrets, verified } = require("` + example(t, "node/verify.js") + `");
for (const q of JSON.parse(require("node:fs").readFileSync(process.argv[2]))) {
	const headers = { "webhook-id": q.id, "webhook-timestamp": q.timestamp, "webhook-signature": q.signature ?? undefined };
	console.log(verified(headers, Buffer.from(q.body), parseSecrets(q.secrets.join()), q.now * 1000 + 999));
}`
	py := `import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "` + example(t, "python") + `")
from verify import parse_secrets, verified
for q in json.load(open(sys.argv[1])):
	headers = {"webhook-id": q["id"], "webhook-timestamp": q["timestamp"], "webhook-signature": q["signature"]}
	print(json.dumps(verified(headers, q["body"].encode(), parse_secrets(",".join(q["secrets"])), q["now"] + 0.999)))`
	asked := questions(vectorStandard)
	timed := func(claim string, want bool, now int64, timestamp string) {
		asked = append(asked, question{claim, vectorBody, vectorID, timestamp, ptr(vectorStandard), []string{secret}, now, want})
	}
	timed("five minutes old", true, 1640995200+300, vectorTimestamp)
	timed("five minutes and a second old", false, 1640995200+301, vectorTimestamp)
	timed("five minutes ahead", true, 1640995200-300, vectorTimestamp)
	timed("five minutes and a second ahead", false, 1640995200-301, vectorTimestamp)
	timed("a timestamp with a space", false, 1640995200, " "+vectorTimestamp)
	timed("a timestamp with a newline", false, 1640995200, vectorTimestamp+"\n")
	timed("a timestamp that is negative", false, 1640995200, "-"+vectorTimestamp)
	timed("no timestamp", false, 1640995200, "")
	dotted := question{"an id that takes a dot from the timestamp", vectorBody, vectorID + "." + vectorTimestamp, vectorTimestamp, ptr(vectorStandard), []string{secret}, 1640995200, false}
	asked = append(asked, dotted)
	for _, s := range []struct{ language, program, name, code string }{
		{"PHP", "php", "verify.php", php}, {"Node", "node", "verify.js", js}, {"Python", "python3", "verify.py", py},
	} {
		t.Run(s.language, func(t *testing.T) {
			t.Parallel()
			answers(t, asked, s.program, script(t, s.name, s.code))
		})
	}
}

// TestPageVectors holds the page to the contract's vectors, and its shell lines to them.
func TestPageVectors(t *testing.T) {
	t.Parallel()
	code := page(t)
	want := map[string]string{
		"secret": secret, "webhook-id": vectorID, "webhook-timestamp": vectorTimestamp, "body": vectorBody,
		"X-Webhook-Signature": vectorSigned, "webhook-signature": vectorStandard,
	}
	for line := range strings.Lines(code.get(t, "vectors")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if got := strings.TrimSpace(value); got != want[name] {
			t.Errorf("%s is %q, want %q", name, got, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("the page lacks %v", want)
	}
	said := pinned.Run(t, ".", nil, "sh", "-e", script(t, "vectors.sh", code.get(t, "vectors.sh")))
	for _, sum := range []string{strings.TrimPrefix(vectorSigned, "sha256="), strings.TrimPrefix(vectorStandard, "v1,")} {
		if !strings.Contains(said, sum) {
			t.Errorf("the shell says %q, want %s in it", said, sum)
		}
	}
}
