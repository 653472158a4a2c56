package outbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/client"
)

// Tx is a transaction: a pgx.Tx, or what wraps one. Commit is not called; it is asked
// for so that no pool or connection is taken, where the event would commit by itself.
type Tx interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Commit(ctx context.Context) error
}

// Dispatch publishes in a transaction, by [DefaultTable]; see [Table.Dispatch].
func Dispatch(ctx context.Context, tx Tx, eventType string, payload any, options ...client.DispatchOption) (eventID string, err error) {
	return DefaultTable.Dispatch(ctx, tx, eventType, payload, options...)
}

// Statement is what Dispatch runs, by [DefaultTable]; see [Table.Statement].
func Statement(eventType string, payload any, options ...client.DispatchOption) (eventID, sql string, args []any, err error) {
	return DefaultTable.Statement(eventType, payload, options...)
}

// Dispatch adds an event to a transaction: it is published if and when that commits.
// The payload is anything that marshals to a JSON object. The options are those of
// [client.Client.Dispatch] but WithWait; without WithID the event gets an id, and without
// WithCreatedAt receivers are told the time of this call.
//
// What Postrider would refuse for its form (the type, the size, an option) fails here,
// with a *client.Error as the API's; the transaction is then as it was before, since
// nothing was sent to Postgres. What the workspace decides, such as the schema of the
// type, is known when the relay sends it: see [Failed].
//
// With an ordering key it waits until transactions that dispatched before it with the
// same key have ended. Two that dispatch several keys in different orders may wait for
// each other, as with row locks: Postgres then ends one of them. Dispatch after the
// change that the event tells of, near the end of the transaction.
func (t Table) Dispatch(ctx context.Context, tx Tx, eventType string, payload any, options ...client.DispatchOption) (eventID string, err error) {
	id, sql, args, err := t.Statement(eventType, payload, options...)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		return "", fmt.Errorf("outbox: dispatch a %s: %w", eventType, t.explained(err))
	}
	return id, nil
}

// insert takes the turn of the ordering key before the row gets its number, and wakes
// a relay that listens when the transaction commits.
const insert = `
WITH turn AS MATERIALIZED (
	SELECT count(pg_advisory_xact_lock(hashtextextended($4::text, {oid}::bigint))) WHERE $4::text <> ''
), added AS (
	INSERT INTO {table} (id, type, event) SELECT $1::text, $2::text, $3::text FROM turn
)
SELECT count(pg_notify('postrider_outbox_' || {oid}, '')) FROM {relay} WHERE listening`

// Statement is Dispatch for other libraries than pgx, such as database/sql: run sql
// with args in the transaction. Its result says nothing.
func (t Table) Statement(eventType string, payload any, options ...client.DispatchOption) (eventID, sql string, args []any, err error) {
	if err := t.check(); err != nil {
		return "", "", nil, err
	}
	e := client.NewEvent{Type: eventType, Data: payload}
	for _, option := range options {
		option(&e)
	}
	raw, err := encoded(&e)
	if err != nil {
		return "", "", nil, fmt.Errorf("outbox: dispatch a %s: %w", eventType, err)
	}
	return e.ID, t.sql(insert), []any{e.ID, e.Type, raw, e.OrderingKey}, nil
}

// encoded checks an event and makes of it what is published.
func encoded(e *client.NewEvent) (string, error) {
	data, err := e.Payload()
	if err != nil {
		return "", err
	}
	e.Data = data
	if e.ID == "" {
		e.ID = "out_" + strings.ToLower(rand.Text())
	}
	if e.CreatedAt.IsZero() {
		e.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	}
	if e.Wait != 0 {
		return "", errors.New("nothing waits for outcomes here: leave WithWait out")
	}
	if err := e.Check(true); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the payload's bytes stay as they are
	if err := encoder.Encode(e); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
