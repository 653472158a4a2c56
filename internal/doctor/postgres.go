package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/postrider/postrider/internal/doctor/facts"
)

const oldestPostgres = 14

// lookAtPostgres reports whether the database has our schema, whole.
func (d *Doctor) lookAtPostgres(ctx context.Context) bool {
	d.lookAtDirect(ctx)
	server, err := asked(ctx, func(ctx context.Context) (facts.Postgres, error) {
		return d.Postgres.Server(ctx, settingNames())
	})
	if err != nil {
		d.bad(Fail, "postgres.connection", err.Error(), "", connectAdvice(err))
		return false
	}
	d.ok("postgres.connection", "%s as %s, %s a question", server.Database, server.Role, rounded(server.RoundTrip))
	d.lookAtPooler(&server)
	d.lookAtServer(&server)
	d.lookAtSettings(&server)
	d.lookAtRoom(&server)
	d.lookAtClock("clock.postgres", "Postgres's clock", server.Ahead)
	if !d.lookAtSchema(ctx, &server) {
		return false
	}
	d.lookAtReplica(ctx)
	d.lookAtRights(&server)
	d.lookAtTables(&server)
	d.lookAtFleet(ctx)
	return true
}

// lookAtDirect is about migrations, where processes go through a pooler.
func (d *Doctor) lookAtDirect(ctx context.Context) {
	if d.Direct == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := d.Direct(ctx); err != nil {
		d.bad(Fail, "postgres.direct_url", err.Error(), "", "migrations go there: "+connectAdvice(err))
		return
	}
	d.ok("postgres.direct_url", "it takes writes, in a session of its own")
}

// lookAtPooler: all but migrations do without a session of their own.
func (d *Doctor) lookAtPooler(s *facts.Postgres) {
	switch {
	case !s.Pooled:
		d.ok("postgres.pooler", "there is none")
	case d.Direct == nil:
		d.bad(Warn, "postgres.pooler", "a pooler answers, and migrations of a database in use need a session of their own", "POSTRIDER_POSTGRES_DIRECT_URL=<the server itself>", "")
	default:
		d.ok("postgres.pooler", "a pooler answers: nothing is prepared by name or set for a session")
	}
}

// connectAdvice knows what poolers and fresh servers say.
func connectAdvice(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "unsupported startup parameter"):
		return "the pooler refuses a parameter that postgres.url names: take it out there, or add it to ignore_startup_parameters in the pooler's configuration"
	case strings.Contains(text, "3D000"):
		return "make the database: CREATE DATABASE … OWNER …"
	case strings.Contains(text, "28P01"), strings.Contains(text, "28000"):
		return "the user or its password in postgres.url is another one, or pg_hba.conf does not let it in from here"
	}
	return "postgres.url must lead to a server that takes connections from this machine"
}

// lookAtReplica: without it lists are read from the primary, so nothing fails.
func (d *Doctor) lookAtReplica(ctx context.Context) {
	const check = "postgres.replica_url"
	if d.Replica == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := d.Replica(ctx); err != nil {
		d.bad(Warn, check, err.Error()+": lists are read from postgres.url", "",
			"it must lead to a streaming replica of that server; where that lags, look at pg_stat_replication there, and at long queries on the replica")
		return
	}
	d.ok(check, "lists are read from a replica")
}

func (d *Doctor) lookAtServer(s *facts.Postgres) {
	if s.Version/10000 < oldestPostgres {
		d.bad(Fail, "postgres.version", fmt.Sprintf("it is %s: Postrider needs %d or later", s.VersionText, oldestPostgres), "", "upgrade the server")
	} else {
		d.ok("postgres.version", "%s", s.VersionText)
	}
	switch {
	case s.Standby:
		d.bad(Fail, "postgres.writable", "it is a standby, and takes no writes", "", "postgres.url must lead to the primary; it may name all hosts, then the one that takes writes is found")
	case s.Settings["transaction_read_only"] == on:
		d.bad(Fail, "postgres.writable", "transactions are read-only", "default_transaction_read_only = off", "")
	default:
		d.ok("postgres.writable", "it takes writes")
	}
	if s.Encoding != "UTF8" {
		d.bad(Fail, "postgres.encoding", "the database's encoding is "+s.Encoding+": what is written in other letters is refused", "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", "the encoding of a database can't be changed: make another one and move to it")
	} else {
		d.ok("postgres.encoding", "UTF8")
	}
	d.lookAtFailover(s)
}

// lookAtFailover: what was accepted lives as long as Postgres keeps its commits.
func (d *Doctor) lookAtFailover(s *facts.Postgres) {
	const check = "postgres.failover"
	switch names := s.Settings["synchronous_standby_names"]; {
	case s.Replicas == 0 && names == "":
		d.ok(check, "no replica is connected; with a failover, commits would have to wait for one")
	case s.Replicas > 0 && names == "":
		d.bad(Warn, check, fmt.Sprintf("%d replicas are connected and no commit waits for any: a failover may lose what was accepted just before", s.Replicas),
			"synchronous_standby_names = 'ANY 1 (*)'", "where a provider looks after failover, its own setting for it")
	default:
		d.ok(check, "commits wait for %s", names)
	}
}

func (d *Doctor) lookAtSchema(ctx context.Context, s *facts.Postgres) bool {
	const check = "postgres.migrations"
	if s.Schema == "" {
		d.bad(Fail, check, "the role's search_path leads to no schema that is there", "ALTER ROLE "+ident(s.Role)+" SET search_path = public", "")
		return false
	}
	schema, err := asked(ctx, func(ctx context.Context) (facts.Schema, error) { return d.Postgres.Schema(ctx, d.cfg.Now()) })
	switch {
	case err != nil:
		d.bad(Fail, check, err.Error(), "", "")
		return false
	case schema.MissingMigration != "":
		d.bad(Fail, check, schema.MissingMigration+" is not applied: processes of this release are not ready", "postrider migrate up", "")
		return false
	}
	d.ok(check, "all of this release's are applied, in the schema %s", s.Schema)
	d.lookAtPartitions(schema)
	return true
}

// fewDays is how far ahead partitions are at the least where a scheduler runs: it
// makes 14 days, and an API three.
const fewDays = 3

func (d *Doctor) lookAtPartitions(s facts.Schema) {
	const check, advice = "postgres.partitions", "a scheduler makes them, 14 days ahead: look at its log, and at postgres.rights"
	switch {
	case s.None:
		d.ok(check, "there are none yet: an API makes the first at its start, a scheduler the others")
	case !s.Today:
		d.bad(Fail, check, "today has none: no event can be accepted", "", advice)
	case s.DaysAhead < fewDays:
		d.bad(Warn, check, fmt.Sprintf("they end in %d days: then no event can be accepted", s.DaysAhead), "", advice)
	default:
		d.ok(check, "made for today and %d days ahead", s.DaysAhead)
	}
}

func (d *Doctor) lookAtFleet(ctx context.Context) {
	fleet, err := asked(ctx, d.Postgres.Fleet)
	if err != nil {
		d.bad(Fail, "fleet", err.Error(), "", "")
		return
	}
	if fleet.Workers == 0 {
		d.bad(Warn, "fleet.workers", "no worker runs: nothing is delivered", "", "start workers; two at least")
	} else {
		d.ok("fleet.workers", "%d run", fleet.Workers)
	}
	if !fleet.Leads {
		d.bad(Warn, "fleet.scheduler", "no scheduler runs: nothing that got stuck is put back, and partitions run out", "", "start schedulers; two at least")
	} else {
		d.ok("fleet.scheduler", "one leads")
	}
	if n := fleet.UnreadableSecrets; n > 0 {
		d.bad(Fail, "secrets.stored", fmt.Sprintf("no key of secrets.key decrypts the secrets of %d endpoints: their deliveries are postponed", n),
			"POSTRIDER_SECRETS_KEY=<present>,<the one they were encrypted with>", "")
	} else if len(d.cfg.Keys) > 0 {
		d.ok("secrets.stored", "all can be decrypted")
	}
}
