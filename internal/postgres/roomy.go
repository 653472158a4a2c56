package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// roomy is a parameter that makes room for itself and those after it before it is
// encoded. pgx puts all of a statement's into one buffer that begins with 128 bytes and
// grows by a quarter: half a megabyte of headers was copied, and collected, five times.
type roomy[T any] struct {
	value T
	size  int
}

func (r roomy[T]) inner() (value any, size int) { return r.value, r.size }

type parameter interface{ inner() (value any, size int) }

// knowRoomy is for each connection.
func knowRoomy(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = slices.Insert(m.TryWrapEncodePlanFuncs, 0, func(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
		p, ok := value.(parameter)
		if !ok {
			return nil, nil, false
		}
		inner, _ := p.inner()
		return &encodeRoomy{}, inner, true
	})
}

type encodeRoomy struct{ next pgtype.EncodePlan }

func (p *encodeRoomy) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode implements pgtype.EncodePlan.
func (p *encodeRoomy) Encode(value any, buf []byte) ([]byte, error) {
	inner, size := value.(parameter).inner() //nolint:forcetypeassert // it is chosen by this type
	return p.next.Encode(inner, slices.Grow(buf, size))
}

// send sends a batch whose roomy parameters tell how large it is. pgx copies them into the
// connection's buffer, which begins with 1 KiB for each batch and grows as slowly.
func (db *DB) send(ctx context.Context, b *pgx.Batch) error {
	size := 0
	for _, q := range b.QueuedQueries {
		for _, a := range q.Arguments {
			if p, ok := a.(parameter); ok {
				_, n := p.inner()
				size += n
			}
		}
	}
	return db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		c.Conn().PgConn().Frontend().Send(room(size))
		return c.SendBatch(ctx, b).Close()
	})
}

// room is no message: it adds nothing to the buffer but room.
type room int

// Encode implements pgproto3.FrontendMessage.
func (r room) Encode(buf []byte) ([]byte, error) { return slices.Grow(buf, int(r)), nil }

// Decode implements pgproto3.FrontendMessage.
func (r room) Decode([]byte) error { return nil }

// Frontend implements pgproto3.FrontendMessage.
func (r room) Frontend() {}

// otherBytes is what a row's columns of one size take, all together, or somewhat less.
const otherBytes = 100

// sizeOf is what an array of them takes.
func sizeOf[T string | []byte](all []T) (n int) {
	for _, v := range all {
		n += 4 + len(v)
	}
	return n
}
