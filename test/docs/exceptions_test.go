package docs

// runElsewhere are pages that another test runs, and which.
var runElsewhere = map[string]string{
	"docs/receiving.md":     "test/receivers runs it, and refuses a block that it does not",
	"docs/cli.md":           "test/cli requires that a script runs each of its commands",
	"docs/cli-reference.md": "cmd/postrider makes it from the commands",
	"docs/listen.md":        "test/cli types it",
}

const (
	clones    = "it fetches the source, or runs for ever; test/e2e runs what it starts (TestDev)"
	builds    = "stack.Main builds these programs for every test"
	placehold = "the key is what make run prints; the test has its own"
	foreign   = "it calls a service that tests have no account of; the next block reads what it writes, from testdata"
	release   = "it asks the module proxy for a release"
	scrapes   = "it is Prometheus's, whose promtool checks it in test/operate"
	drawing   = "a drawing"
	restoring = "a server of its own is needed; TestBackup of test/e2e does it with these programs"
	shortened = "put together from examples that run, and shortened"
	machines  = "it wants Docker, a cluster or systemd, which tests do not have; test/deploy has what will read these files read them"
	events    = "the body of a webhook, which openapi.json does not describe; internal/recovery and internal/deliver test it"
)

// notRun are blocks, by page and first line, that nothing runs, and why.
var notRun = map[string]string{
	"docs/deploy.md: make image VERSION=1.2.3":                                                                      machines,
	"docs/deploy.md: make compose-keys":                                                                             machines,
	"docs/deploy.md: kubectl create secret generic postrider \\":                                                    machines,
	"docs/deploy.md: install -D -t /opt/postrider/bin bin/api bin/worker bin/scheduler bin/postrider":               machines,
	"docs/tracing.md: POSTRIDER_TRACING_ENDPOINT=http://collector:4318":                                             "a setting; TestTracing sets it",
	"README.md: git clone https://github.com/postrider/postrider && cd postrider":                                   clones,
	"docs/quick-start.md: git clone https://github.com/postrider/postrider && cd postrider":                         clones,
	"README.md: make test     # everything, on a real Postgres, a real Redis and miniredis, with the race detector": "it would run itself",
	"docs/backup.md: archive_mode = on":                                                                             restoring,
	"docs/backup.md: pg_basebackup -h postgres.internal -U replicator -D /backups/postrider/base -c fast -X stream": restoring,
	"docs/backup.md: pg_dump -h postgres.internal -U postrider -Fc -f postrider.dump postrider":                     restoring,
	"docs/scaling-postgres.md: [databases]":                                                                         "PgBouncer's; TestThroughPgBouncer of test/e2e has the like",
	"docs/scaling-postgres.md: POSTRIDER_POSTGRES_URL=postgres://postrider@pgbouncer:6432/postrider":                "settings; TestThroughPgBouncer of test/e2e sets them",
	"docs/scaling-postgres.md: CREATE EXTENSION citus;":                                                             "there is no package of Citus; the page says so",
	"README.md: make build":                                                            builds,
	"docs/self-hosting.md: make build":                                                 builds,
	"README.md: export KEY=pr_…            # printed by make run":                      placehold,
	"docs/quick-start.md: export URL=http://127.0.0.1:8080 KEY=pr_…":                   placehold,
	"docs/migrating-from-svix.md: mkdir svix-endpoints":                                foreign,
	"docs/monitoring.md: global:":                                                      scrapes,
	"docs/client.md: go get github.com/postrider/postrider/client":                     release,
	"docs/outbox.md: go get github.com/postrider/postrider/outbox":                     release,
	"README.md: const crypto = require('node:crypto');":                                "docs/receiving.md has the same function, which test/receivers runs",
	"README.md: c := client.New(\"http://127.0.0.1:8080\", os.Getenv(\"KEY\"))":        shortened,
	`docs/receiving-in-go.md: verified, err := signature.Middleware(signature.Config{`: shortened,
	`docs/receiving-in-go.md: store := pgstore.New(pool, pgstore.Config{}) // pgstore.Schema("") is its table; call store.Prune now and then`: shortened,
	`docs/receiving-in-go.md: for _, mistake := range hooktest.Mistakes() {`:                                                                  shortened,
	`docs/receiving-in-go.md: receiver := hooktest.NewReceiver(t, secret, hooktest.Status(500).Times(3), hooktest.OK())`:                      shortened,
	`docs/operational-events.md: {"id":"op_01kb…","type":"endpoint.failing","created_at":"2026-03-01T10:30:00.123456Z","data":{"object":{"workspace_id":456,"endpoint_id":"ep_01k…","url_host":"example.com","reason":"breaker_open","failures":20,"failing_since":"2026-03-01T10:29:00Z","status_code":503,"error_class":"status"}},"workspace_id":"ops"}`: events,
	`docs/operational-events.md: {"workspace_id":456,"endpoint_id":"ep_01k…","url_host":"example.com","failures":31,"failing_since":"2026-03-01T10:29:00Z"}`:                                                                                                                                                                                                events,
	`README.md:  producer ──POST /v1/events──► api ─ match ─ commit(event + deliveries) ─ 202 ─ enqueue ──► Redis (asynq)`:                                                                                                                                                                                                                                  drawing,
	`docs/design.md: publish              client              public: the SDK for Go; tests hold its types and methods to the OpenAPI description, both ways`:                                                                                                                                                                                               drawing,
	`docs/migrating-from-convoy.md: convoy() { curl -fsS "https://us.getconvoy.cloud/api/v1/projects/$PROJECT/$1?perPage=1000" -H "Authorization: Bearer $CONVOY_KEY" | jq .data.content; }`:                                                                                                                                                                foreign,
}
