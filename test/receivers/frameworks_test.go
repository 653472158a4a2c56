package receivers

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/pinned"
)

// frameworks is a Python with those that the page has code for, and the library of
// Standard Webhooks.
var frameworks = pinned.Python("frameworks", "requirements.txt")

// request is one that a framework's program makes to its own code.
type request struct {
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// requests are a right one, whose body is changed by whoever parses it and writes it
// again, and forged ones.
func requests(t *testing.T) string {
	t.Helper()
	const body = `{"id":"evt_1", "type":"post.created", "data":{"object":{"n":1.0,"path":"a\/b","name":"é\u00e9 "}}}`
	now := time.Now()
	signed, err := signature.SignStandard(secret, "evt_1", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	with := func(contentType, signed string) request {
		h := map[string]string{"content-type": contentType, "webhook-id": "evt_1", "webhook-timestamp": strconv.FormatInt(now.Unix(), 10)}
		if signed != "" {
			h["webhook-signature"] = signed
		}
		return request{h, body}
	}
	raw, err := json.Marshal([]request{
		with("application/json", signed), with("application/cloudevents+json; charset=utf-8", signed),
		with("application/json", "v1,short"), with("application/json", ""),
		{with("application/json", signed).Headers, body + " "},
	})
	if err != nil {
		t.Fatal(err)
	}
	return script(t, "requests.json", string(raw))
}

// wantAnswers are a line each, and what was noted.
const wantAnswers = "204 204 401 401 401 noted evt_1 evt_1"

func wantFramework(t *testing.T, env []string, program string, args ...string) {
	t.Helper()
	said := pinned.Run(t, ".", append(env, "WEBHOOK_SECRET="+secret), program, append(args, requests(t))...)
	if got := strings.Join(strings.Fields(said), " "); got != wantAnswers {
		t.Errorf("it answered %q, want %q", got, wantAnswers)
	}
}

// beforeNode is what the page's code in JavaScript leaves to its reader.
func beforeNode(t *testing.T) string {
	t.Helper()
	return `const { parseSecrets, verified } = require("` + example(t, "node/verify.js") + `");
const requests = JSON.parse(require("node:fs").readFileSync(process.argv[2]));
const keys = parseSecrets(process.env.WEBHOOK_SECRET);
const noted = [];
const note = async (id, body) => noted.push(JSON.parse(body).id === id && id);`
}

// beforePython is the same in Python.
func beforePython(t *testing.T) string {
	t.Helper()
	return `import json, os, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, "` + example(t, "python") + `")
from verify import parse_secrets, verified
KEYS = parse_secrets(os.environ["WEBHOOK_SECRET"])
noted = []
def note(ident, body):
	assert json.loads(body)["id"] == ident
	noted.append(ident)
requests = json.load(open(sys.argv[1]))`
}

// TestPageFrameworks runs the page's code in the frameworks that it is for.
func TestPageFrameworks(t *testing.T) {
	t.Parallel()
	code := page(t)

	t.Run("Express", func(t *testing.T) {
		t.Parallel()
		file := script(t, "express.js", `const express = require("express");`, beforeNode(t), "const app = express();", code.get(t, "express.js"), `
const server = app.listen(0, async () => {
	for (const { headers, body } of requests) {
		const res = await fetch("http://127.0.0.1:" + server.address().port + "/webhooks", { method: "POST", headers, body });
		console.log(res.status);
	}
	console.log("noted", ...noted);
	process.exit(0);
});`)
		wantFramework(t, []string{"NODE_PATH=" + express.Modules(t)}, "node", file)
	})

	t.Run("Next", func(t *testing.T) {
		t.Parallel()
		file := script(t, "next.mjs", `import { createRequire } from "node:module";`, "const require = createRequire(import.meta.url);", beforeNode(t), code.get(t, "next.mjs"), `
for (const { headers, body } of requests) {
	console.log((await POST(new Request("http://localhost/webhooks", { method: "POST", headers, body }))).status);
}
console.log("noted", ...noted);`)
		wantFramework(t, nil, "node", file)
	})

	t.Run("Django", func(t *testing.T) {
		t.Parallel()
		file := script(t, "with_django.py", beforePython(t), `
import django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none", MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware", "django.middleware.common.CommonMiddleware"])
django.setup()
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
`, code.get(t, "django.py"), `
urlpatterns = [path("webhooks", webhooks)]
client = Client(enforce_csrf_checks=True)
for r in requests:
	content_type = r["headers"].pop("content-type")
	print(client.post("/webhooks", data=r["body"].encode(), content_type=content_type, headers=r["headers"]).status_code)
print("noted", *noted)`)
		wantFramework(t, nil, frameworks.Interpreter(t), "-W", "ignore", file)
	})

	t.Run("Flask", func(t *testing.T) {
		t.Parallel()
		file := script(t, "with_flask.py", beforePython(t), "from flask import Flask, request", "app = Flask(__name__)", code.get(t, "flask.py"), `
for r in requests:
	print(app.test_client().post("/webhooks", data=r["body"].encode(), headers=r["headers"]).status_code)
print("noted", *noted)`)
		wantFramework(t, nil, frameworks.Interpreter(t), file)
	})

	t.Run("LaravelIsPHPAtLeast", func(t *testing.T) {
		t.Parallel()
		pinned.Run(t, ".", nil, "php", "-l", script(t, "laravel.php", "<?php", code.get(t, "laravel.php")))
	})
}

// TestStandardLibrary holds what is sent to the library of Standard Webhooks.
func TestStandardLibrary(t *testing.T) {
	t.Parallel()
	file := script(t, "library.py", `import datetime, json, os, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
hook = Webhook(os.environ["WEBHOOK_SECRET"])
at = datetime.datetime.fromtimestamp(`+vectorTimestamp+`, tz=datetime.timezone.utc)
print(hook.sign("`+vectorID+`", at, '`+vectorBody+`'))
for r in json.load(open(sys.argv[1])):
	try:
		print(hook.verify(r["body"].encode(), r["headers"])["id"])
	except WebhookVerificationError:
		print("refused")
	except ValueError: # as the page says
		print("malformed")`)
	said := pinned.Run(t, ".", []string{"WEBHOOK_SECRET=" + secret}, frameworks.Interpreter(t), file, requests(t))
	if got, want := strings.Fields(said), []string{vectorStandard, "evt_1", "evt_1", "malformed", "refused", "refused"}; !slices.Equal(got, want) {
		t.Errorf("it said %q, want %q", got, want)
	}
}
