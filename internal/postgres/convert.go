package postgres

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

func isBrokenConn(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func pgID(id webhook.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// pgIDs maps a slice; f picks the id.
func pgIDs[T any](s []T, f func(T) webhook.ID) []pgtype.UUID {
	out := make([]pgtype.UUID, len(s))
	for i, v := range s {
		out[i] = pgID(f(v))
	}
	return out
}

func pgTime(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: true} }

// timePtr is nil for NULL.
func timePtr(t pgtype.Timestamptz) *time.Time {
	if !t.Valid {
		return nil
	}
	u := t.Time.UTC()
	return &u
}

// deref is the zero value for NULL.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// orNil is NULL for the zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// dayBounds are the ids that a day's partition holds: from lo up to, not with, hi.
func dayBounds(day time.Time) (lo, hi pgtype.UUID) {
	return pgID(webhook.FirstID(day)), pgID(webhook.FirstID(day.Add(24 * time.Hour)))
}

// notFound maps "no rows" to the API's answer for an unknown id.
func notFound(err error, what string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return webhook.NotFound(what)
	}
	return available(err)
}

// someRow is not_found for a statement that changed no row.
func someRow(n int64, err error, what string) error {
	if err == nil && n == 0 {
		return webhook.NotFound(what)
	}
	return err
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// sortedIDs are a map's keys in order: rows locked in one order can't deadlock.
func sortedIDs[V any](m map[webhook.ID]V) []webhook.ID {
	return slices.SortedFunc(maps.Keys(m), func(a, b webhook.ID) int { return bytes.Compare(a[:], b[:]) })
}

// seconds is nil for NULL.
func seconds(n *int32) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

// schedule keeps NULL (the default) and empty (no retry) apart.
func schedule(s []int32) []time.Duration {
	if s == nil {
		return nil
	}
	out := make([]time.Duration, len(s))
	for i, n := range s {
		out[i] = time.Duration(n) * time.Second
	}
	return out
}

func intPtr(n *int32) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}
