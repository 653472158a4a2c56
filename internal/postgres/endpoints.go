package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Endpoints stores endpoints; secrets and custom headers are encrypted. Every
// change moves the workspace's endpoints_version, in the change's transaction.
type Endpoints struct{ db *DB }

// NewEndpoints makes the store on db.
func NewEndpoints(db *DB) *Endpoints { return &Endpoints{db} }

// Create stores a new endpoint and returns it as stored. It is not_found when
// the workspace is.
func (s *Endpoints) Create(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	err := s.change(ctx, e.WorkspaceID, func(q *dbsqlc.Queries, version int64) error {
		e.Version = version
		if err := s.insert(ctx, q, &e); err != nil {
			return err
		}
		return s.db.note(ctx, q, e.WorkspaceID, e.ID.AsTarget(webhook.KindEndpoint), webhook.EndpointChanges(nil, &e)...)
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("create endpoint %s: %w", e.ID, err)
	}
	return e, nil
}

// change runs fn in a transaction that has taken the workspace's next version.
// The worker disables endpoints in the opposite order of locks, so one of the
// two may have to try again.
func (s *Endpoints) change(ctx context.Context, ws webhook.WorkspaceID, fn func(*dbsqlc.Queries, int64) error) error {
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		version, err := q.NextEndpointsVersion(ctx, string(ws))
		if err != nil {
			return notFound(err, "workspace")
		}
		return fn(q, version)
	})
}

func (s *Endpoints) insert(ctx context.Context, q *dbsqlc.Queries, e *webhook.Endpoint) error {
	secret, err := s.db.seal.seal(e.ID, []byte(e.Secret))
	if err != nil {
		return err
	}
	headers, err := s.sealHeaders(e)
	if err != nil {
		return err
	}
	if !e.IsActive {
		e.DisabledReason = webhook.DisabledByUser
	}
	e.Format = cmp.Or(e.Format, webhook.FormatStandard)
	r, err := q.InsertEndpoint(ctx, dbsqlc.InsertEndpointParams{
		ID: pgID(e.ID), WorkspaceID: string(e.WorkspaceID), Url: e.URL, Events: e.Events, Filters: e.Filters,
		Description: e.Description, IsActive: e.IsActive, DisabledReason: orNil(e.DisabledReason),
		Secret: secret, Headers: headers, TimeoutS: wholeSeconds(e.Timeout), RetrySchedule: scheduleSeconds(e.RetrySchedule),
		RateLimit: int32Ptr(e.RateLimit), MaxInFlight: int32Ptr(e.MaxInFlight), Metadata: e.Metadata, Version: e.Version,
		Format: string(e.Format),
	})
	if err != nil {
		return err
	}
	e.DisabledAt, e.CreatedAt, e.UpdatedAt = timePtr(r.DisabledAt), e.ID.Time(), r.UpdatedAt.Time.UTC()
	return nil
}

// Get returns an endpoint with its secret and headers in the clear.
func (s *Endpoints) Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Endpoint, error) {
	e, err := s.get(ctx, s.db.q, ws, id)
	if err != nil {
		return e, fmt.Errorf("read endpoint %s: %w", id, err)
	}
	return e, nil
}

// Anywhere is Get without a workspace: for who has proved to be the endpoint's
// receiver.
func (s *Endpoints) Anywhere(ctx context.Context, id webhook.ID) (webhook.Endpoint, error) {
	ws, err := s.db.q.EndpointsWorkspace(ctx, pgID(id))
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("find endpoint %s: %w", id, notFound(err, "endpoint"))
	}
	return s.Get(ctx, webhook.WorkspaceID(ws), id)
}

func (s *Endpoints) get(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (webhook.Endpoint, error) {
	r, err := q.EndpointByID(ctx, dbsqlc.EndpointByIDParams{ID: pgID(id), WorkspaceID: string(ws)})
	if err != nil {
		return webhook.Endpoint{}, notFound(err, "endpoint")
	}
	return s.endpointOf(&r)
}

// List returns a workspace's endpoints, newest first, as Get does.
func (s *Endpoints) List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Endpoint, more bool, err error) {
	return s.list(ctx, ws, nil, p)
}

// Update changes an endpoint: edit gets it as it is now, with no other change
// under way, and its error ends the update; it may be called again. Ids and times
// stay as they are. Enabling lets go, with a ramp, what was held meanwhile, and
// forgets the failures from before: the next one begins a new run. A change of
// where and how requests go has an open breaker tested at once.
func (s *Endpoints) Update(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID, edit func(*webhook.Endpoint) error) (webhook.Endpoint, error) {
	var e webhook.Endpoint
	err := s.change(ctx, ws, func(q *dbsqlc.Queries, version int64) (err error) {
		if e, err = s.get(ctx, q, ws, id); err != nil {
			return err
		}
		was := e
		was.Headers = maps.Clone(e.Headers)
		if err = edit(&e); err != nil {
			return err
		}
		e.Version = version
		if err = s.update(ctx, q, &e); err != nil {
			return err
		}
		if err = s.db.note(ctx, q, ws, id.AsTarget(webhook.KindEndpoint), webhook.EndpointChanges(&was, &e)...); err != nil || !e.IsActive {
			return err
		}
		switch {
		case !was.IsActive:
			return startAnew(ctx, q, id)
		case goesElsewhere(&was, &e):
			return probeNow(ctx, q, id)
		}
		return nil
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("update endpoint %s: %w", id, err)
	}
	return e, nil
}

func (s *Endpoints) update(ctx context.Context, q *dbsqlc.Queries, e *webhook.Endpoint) error {
	headers, err := s.sealHeaders(e)
	if err != nil {
		return err
	}
	secret, err := s.db.seal.seal(e.ID, []byte(e.Secret))
	if err != nil {
		return err
	}
	next, nextAt, err := s.sealNext(e)
	if err != nil {
		return err
	}
	e.Format = cmp.Or(e.Format, webhook.FormatStandard)
	r, err := q.UpdateEndpoint(ctx, dbsqlc.UpdateEndpointParams{
		ID: pgID(e.ID), WorkspaceID: string(e.WorkspaceID), Url: e.URL, Events: e.Events, Filters: e.Filters,
		Description: e.Description, IsActive: e.IsActive, DisabledReason: orNil(webhook.DisabledByUser), Secret: secret, Headers: headers,
		TimeoutS: wholeSeconds(e.Timeout), RetrySchedule: scheduleSeconds(e.RetrySchedule),
		RateLimit: int32Ptr(e.RateLimit), MaxInFlight: int32Ptr(e.MaxInFlight), Metadata: e.Metadata, Version: e.Version,
		NextSecret: next, NextSecretAt: nextAt, Format: string(e.Format),
	})
	if err != nil {
		return notFound(err, "endpoint")
	}
	e.DisabledAt, e.DisabledReason, e.UpdatedAt = timePtr(r.DisabledAt), deref(r.DisabledReason), r.UpdatedAt.Time.UTC()
	return nil
}

// Delete ends an endpoint and wipes its secret and headers. What is pending of
// its newest deliveries is canceled at once, the rest by whoever comes across it;
// the scheduler looks at once at what is parked.
func (s *Endpoints) Delete(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) error {
	err := s.change(ctx, ws, func(q *dbsqlc.Queries, version int64) error {
		n, err := q.DeleteEndpoint(ctx, dbsqlc.DeleteEndpointParams{ID: pgID(id), WorkspaceID: string(ws), Version: version})
		if err != nil {
			return err
		}
		if n == 0 {
			return webhook.NotFound("endpoint")
		}
		if err := cancelRecent(ctx, q, id); err != nil {
			return err
		}
		if err := s.db.note(ctx, q, ws, id.AsTarget(webhook.KindEndpoint)); err != nil {
			return err
		}
		if err := q.NoteLines(ctx, dbsqlc.NoteLinesParams{EndpointIds: []pgtype.UUID{pgID(id)}, WorkspaceID: string(ws)}); err != nil {
			return err
		}
		return startAnew(ctx, q, id)
	})
	if err != nil {
		return fmt.Errorf("delete endpoint %s: %w", id, err)
	}
	return nil
}

// cancelRecent cancels what is pending of a deleted endpoint's newest deliveries.
func cancelRecent(ctx context.Context, q *dbsqlc.Queries, id webhook.ID) error {
	found, err := q.RecentPending(ctx, pgID(id))
	if err != nil {
		return err
	}
	rows := make([]taskRow, len(found))
	for i, r := range found {
		rows[i] = taskRow{workspace: webhook.WorkspaceID(r.WorkspaceID), id: r.ID.Bytes}
	}
	_, err = cancelRows(ctx, q, rows, false)
	return err
}

// startAnew forgets how an endpoint failed, and has what is parked for it looked
// at now.
func startAnew(ctx context.Context, q *dbsqlc.Queries, ids ...webhook.ID) error {
	rows := pgIDs(ids, sameID)
	if err := q.ForgetFailures(ctx, rows); err != nil {
		return err
	}
	return q.CheckParked(ctx, rows)
}

// goesElsewhere: what failed before says little of what comes next.
func goesElsewhere(was, is *webhook.Endpoint) bool {
	return was.URL != is.URL || !maps.Equal(was.Headers, is.Headers) || !equal(was.Timeout, is.Timeout)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// probeNow ends the pause of a breaker that is open. The run of failures goes on:
// only a success ends it.
func probeNow(ctx context.Context, q *dbsqlc.Queries, id webhook.ID) error {
	n, err := q.EndPause(ctx, pgID(id))
	if err != nil || n == 0 {
		return err
	}
	return q.CheckParked(ctx, pgIDs([]webhook.ID{id}, sameID))
}

func (s *Endpoints) endpointOf(r *dbsqlc.Endpoint) (webhook.Endpoint, error) {
	e := webhook.Endpoint{
		ID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), URL: r.Url, Events: r.Events, Filters: r.Filters,
		Description: r.Description, IsActive: r.IsActive, DisabledAt: timePtr(r.DisabledAt), DisabledReason: deref(r.DisabledReason),
		Timeout: seconds(r.TimeoutS), RetrySchedule: schedule(r.RetrySchedule), RateLimit: intPtr(r.RateLimit),
		MaxInFlight: intPtr(r.MaxInFlight), Metadata: r.Metadata, Version: r.Version, UpdatedAt: r.UpdatedAt.Time.UTC(),
		Format: webhook.Format(r.Format),
	}
	e.CreatedAt = e.ID.Time()
	if err := (&Deliver{db: s.db}).unseal(&e, sealedSecrets{r.Secret, r.NextSecret, r.NextSecretAt, r.Headers}); err != nil {
		return e, fmt.Errorf("%w: %w", &webhook.Error{
			Code: webhook.CodeUnavailable, Detail: "this process has no key that decrypts the endpoint's secrets", RetryAfter: time.Minute,
		}, err)
	}
	return e, nil
}

// sealHeaders is NULL where there are none.
func (s *Endpoints) sealHeaders(e *webhook.Endpoint) ([]byte, error) {
	if len(e.Headers) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(e.Headers)
	if err != nil {
		return nil, err
	}
	return s.db.seal.seal(e.ID, plain)
}

func wholeSeconds(d *time.Duration) *int32 {
	if d == nil {
		return nil
	}
	n := int32(*d / time.Second)
	return &n
}

// scheduleSeconds keeps nil (the default) and empty (no retry) apart.
func scheduleSeconds(delays []time.Duration) []int32 {
	if delays == nil {
		return nil
	}
	out := make([]int32, len(delays))
	for i, d := range delays {
		out[i] = int32(d / time.Second)
	}
	return out
}

func int32Ptr(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n)
	return &v
}
