package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/client"
)

// waiting is a row that is to be sent.
type waiting struct {
	seq    int64
	id     string
	kind   string
	event  client.NewEvent
	broken error // the row is no event
}

// maxBatchBytes keeps a batch well below what the API takes, 10 MiB: the last event
// may be larger than what is left.
const maxBatchBytes = 4 << 20

// read takes the lowest numbers that are visible, by the index of those that wait.
//
// A number is given before its transaction commits, so lower ones may appear later.
// There is no cursor that would have passed them: what was sent is deleted, and the next
// read begins with the lowest again.
func (r *Relay) read(ctx context.Context) ([]waiting, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	rows, err := r.pool.Query(ctx, r.table.sql(`
		SELECT seq, id, type, event FROM (
			SELECT seq, id, type, event, sum(bytes) OVER (ORDER BY seq) - bytes AS before
			FROM (SELECT seq, id, type, event, bytes FROM {table} WHERE failed_at IS NULL ORDER BY seq LIMIT $1) AS lowest
		) AS counted
		WHERE before < $2 ORDER BY seq`), r.cfg.BatchSize, maxBatchBytes)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", r.table.explained(err))
	}
	batch, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", r.table.explained(err))
	}
	return batch, nil
}

var errUnreadable = errors.New("the row's event is none")

func scan(row pgx.CollectableRow) (waiting, error) {
	var w waiting
	var raw string
	if err := row.Scan(&w.seq, &w.id, &w.kind, &raw); err != nil {
		return w, err
	}
	var data json.RawMessage
	w.event.Data = &data // so that its bytes stay as they are
	if err := json.Unmarshal([]byte(raw), &w.event); err != nil {
		w.broken = fmt.Errorf("%w: %w", errUnreadable, err)
		return w, nil
	}
	// The id is what makes it come once, so there has to be one.
	w.event.ID, w.event.Data = w.id, data
	if _, err := w.event.Payload(); err != nil {
		w.broken = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return w, nil
}

// remove deletes what was accepted.
func (r *Relay) remove(ctx context.Context, batch []waiting) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	seqs := make([]int64, len(batch))
	for i, w := range batch {
		seqs[i] = w.seq
	}
	if _, err := r.pool.Exec(ctx, r.table.sql("DELETE FROM {table} WHERE seq = ANY ($1)"), seqs); err != nil {
		return fmt.Errorf("delete what was sent from the outbox: %w", err)
	}
	r.at(stepRemoved)
	return nil
}

// maxReason is how much is kept of why an event was refused, in bytes.
const maxReason = 2000

// setAside keeps an event that was refused, out of the others' way.
func (r *Relay) setAside(ctx context.Context, w waiting, reason error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	text := reason.Error()
	text = strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), maxReason)], ""), "\x00", "") // no text has that in Postgres
	_, err := r.pool.Exec(ctx, r.table.sql(`
		UPDATE {table} SET failed_at = clock_timestamp(), error_code = $2, error = $3
		WHERE seq = $1 AND failed_at IS NULL`), w.seq, string(client.CodeOf(reason)), text)
	if err != nil {
		return fmt.Errorf("set aside event %s: %w", w.id, err)
	}
	r.cfg.Logger.ErrorContext(ctx, "outbox: an event was refused and is set aside", "event_id", w.id, "type", w.kind, "error", reason)
	return nil
}
