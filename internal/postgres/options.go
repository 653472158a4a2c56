package postgres

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

func withOptions(e *webhook.Event) bool    { return e.Given() }
func withoutOptions(e *webhook.Event) bool { return !e.Given() }

// Deliveries are inserted in one of three ways: at once, delayed, or by insertOrdered.
func atOnce(e *webhook.Event) bool  { return e.DeliverAt.IsZero() && e.OrderingKey == "" }
func delayed(e *webhook.Event) bool { return !e.DeliverAt.IsZero() && e.OrderingKey == "" }

// queueOptions inserts the events that were published with options, and the
// deliveries that have a time of their own. All others cost what they did.
func queueOptions(b *pgx.Batch, g *webhook.Group, dups map[webhook.ID]webhook.Event) {
	if !anyOptions(g) {
		return
	}
	e := eventColumns(g, dups, withOptions)
	if len(e.Ids) == 0 {
		return
	}
	var targets, keys []string
	var at []pgtype.Timestamptz
	var traces [][]byte
	for i := range g.Events {
		if _, dup := dups[g.Events[i].ID]; !dup && g.Events[i].Given() {
			targets = append(targets, arrayText(g.Events[i].Targets))
			at = append(at, deliverAt(&g.Events[i]))
			keys = append(keys, g.Events[i].OrderingKey)
			traces = append(traces, storedTrace(g.Events[i].Trace))
		}
	}
	b.Queue(dbsqlc.InsertEventsWithOptions, e.Ids, e.WorkspaceIds, e.ExternalIds, e.Types, e.CreatedAts, e.Bodies, e.Deliveries, targets, at, keys, traces)
	for deliveries := range slices.Chunk(g.Deliveries, maxInsert) {
		queueDelayed(b, g, deliveries, dups)
	}
}

func anyOptions(g *webhook.Group) bool {
	for i := range g.Events {
		if g.Events[i].Given() {
			return true
		}
	}
	return false
}

func queueDelayed(b *pgx.Batch, g *webhook.Group, deliveries []webhook.NewDelivery, dups map[webhook.ID]webhook.Event) {
	d := deliveryColumns(g, deliveries, dups, delayed)
	if len(d.Ids) == 0 {
		return
	}
	at := make([]pgtype.Timestamptz, 0, len(d.Ids))
	for i := range deliveries {
		e := &g.Events[deliveries[i].Event]
		if _, dup := dups[e.ID]; !dup && delayed(e) {
			at = append(at, deliverAt(e))
		}
	}
	b.Queue(dbsqlc.InsertDelayedDeliveries, d.Ids, d.WorkspaceIds, d.EventIds, d.EndpointIds, d.EventTypes, d.Tasks, d.Bulks, at)
}

// storedTrace is nil, which is NULL, for none.
func storedTrace(t webhook.Trace) []byte {
	if t.IsZero() {
		return nil
	}
	return t.AppendTo(nil)
}

func deliverAt(e *webhook.Event) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: ceilMicro(e.DeliverAt), Valid: delayed(e)}
}

// ceilMicro rounds up to what Postgres keeps: nothing is early.
func ceilMicro(t time.Time) time.Time {
	if whole := t.Truncate(time.Microsecond); !whole.Equal(t) {
		return whole.Add(time.Microsecond)
	}
	return t
}

// arrayText is ids as the text of an array, "" for none.
func arrayText(ids []webhook.ID) string {
	if len(ids) == 0 {
		return ""
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = pgID(id).String()
	}
	return "{" + strings.Join(texts, ",") + "}"
}

func optionsOf(endpoints []pgtype.UUID, at pgtype.Timestamptz, key *string) webhook.Options {
	o := webhook.Options{OrderingKey: deref(key)}
	for _, id := range endpoints {
		o.Targets = append(o.Targets, id.Bytes)
	}
	if at.Valid {
		o.DeliverAt = at.Time.UTC()
	}
	return o
}
