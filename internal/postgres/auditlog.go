package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// AuditLog is who changed what. The stores write it, each in the transaction of
// its change: see note.
type AuditLog struct{ db *DB }

// NewAuditLog makes the store on db.
func NewAuditLog(db *DB) *AuditLog { return &AuditLog{db} }

// entryIDs are those of audit entries: of requests in the same millisecond the later
// one's is greater.
type entryIDs struct {
	mu  sync.Mutex
	ids webhook.IDSource
}

func (e *entryIDs) next(at time.Time) webhook.ID {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ids.Next(at)
}

// note writes a change into the audit log; q is of the change's transaction, so
// that there is none without the other. What nobody asked for through the API,
// such as what a worker does by itself, is not noted.
func (db *DB) note(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, t webhook.Target, changes ...webhook.FieldChange) error {
	by, ok := webhook.ActorOf(ctx)
	if !ok {
		return nil
	}
	raw, err := encodeChanges(changes)
	if err != nil {
		return err
	}
	return q.InsertAuditEntry(ctx, dbsqlc.InsertAuditEntryParams{
		ID: pgID(db.entries.next(by.At)), WorkspaceID: string(ws), KeyID: orNullID(by.KeyID), Action: by.Action,
		TargetKind: t.Kind, Target: t.ID, RequestID: by.RequestID, RemoteAddr: orNil(by.RemoteAddr), Changes: raw, Portal: by.Portal,
	})
}

// encodeChanges keeps the values' spelling.
func encodeChanges(changes []webhook.FieldChange) ([]byte, error) {
	if changes == nil {
		changes = []webhook.FieldChange{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(changes)
	return b.Bytes(), err
}

// noted runs change in a transaction with its entry in the audit log.
func (db *DB) noted(ctx context.Context, ws webhook.WorkspaceID, t webhook.Target, changes []webhook.FieldChange, change func(*dbsqlc.Queries) error) error {
	return db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		if err := change(q); err != nil {
			return err
		}
		return db.note(ctx, q, ws, t, changes...)
	})
}

// Record writes an entry for what changes nothing that is stored, such as showing
// a secret.
func (s *AuditLog) Record(ctx context.Context, ws webhook.WorkspaceID, t webhook.Target) error {
	if err := s.db.note(ctx, s.db.q, ws, t); err != nil {
		return fmt.Errorf("write the audit log: %w", available(err))
	}
	return nil
}

// List returns what was changed, newest first. "" is every workspace; of the
// filter only the target and the times count then.
func (s *AuditLog) List(ctx context.Context, ws webhook.WorkspaceID, f webhook.AuditFilter, p webhook.Page) (all []webhook.AuditEntry, more bool, err error) {
	rows, err := s.rows(ctx, ws, f, p)
	if err != nil {
		return nil, false, fmt.Errorf("list the audit log of workspace %q: %w", ws, available(err))
	}
	rows, more = cut(rows, p.Limit)
	for i := range rows {
		e, err := auditEntryOf(&rows[i])
		if err != nil {
			return nil, false, fmt.Errorf("audit entry %s: %w", e.ID, err)
		}
		all = append(all, e)
	}
	return all, more, nil
}

func (s *AuditLog) rows(ctx context.Context, ws webhook.WorkspaceID, f webhook.AuditFilter, p webhook.Page) ([]dbsqlc.AuditLog, error) {
	lo, hi := idRange(p, f.Since, f.Until)
	if ws == "" {
		return s.db.q.ListWholeAuditLog(ctx, dbsqlc.ListWholeAuditLogParams{
			Lo: lo, Hi: hi, Target: orNil(f.Target), RowLimit: int32(p.Limit + 1),
		})
	}
	return s.db.q.ListAuditLog(ctx, dbsqlc.ListAuditLogParams{
		WorkspaceID: string(ws), Lo: lo, Hi: hi, ByAdmin: f.ByAdmin, ByKey: orNullID(f.ByKey),
		Action: orNil(f.Action), Target: orNil(f.Target), RowLimit: int32(p.Limit + 1),
	})
}

func auditEntryOf(r *dbsqlc.AuditLog) (webhook.AuditEntry, error) {
	e := webhook.AuditEntry{
		ID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), Target: webhook.Target{Kind: r.TargetKind, ID: r.Target},
		Actor: webhook.Actor{
			KeyID: r.KeyID.Bytes, Portal: r.Portal, RequestID: r.RequestID, Action: r.Action, RemoteAddr: deref(r.RemoteAddr), At: webhook.ID(r.ID.Bytes).Time(),
		},
	}
	return e, json.Unmarshal(r.Changes, &e.Changes)
}

// removeAuditEntries is how many are removed in one statement.
const removeAuditEntries = 5000

// RemoveOld removes what is older than keep, by Postgres's clock.
func (s *AuditLog) RemoveOld(ctx context.Context, keep time.Duration) error {
	now, err := s.db.q.Clock(ctx)
	if err != nil {
		return fmt.Errorf("remove old audit entries: %w", available(err))
	}
	before := pgID(webhook.FirstID(now.Time.Add(-keep)))
	_, err = pages(func() (int64, error) {
		return s.db.q.RemoveOldAuditEntries(ctx, dbsqlc.RemoveOldAuditEntriesParams{Before: before, N: removeAuditEntries})
	})
	if err != nil {
		return fmt.Errorf("remove old audit entries: %w", available(err))
	}
	return nil
}
