package postgres

import (
	"context"
	"slices"
	"sync"

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
	// in is what it is written into; nil is memory of its own.
	in *buffer
}

func withRoom[T any](value T, size int) *roomy[T] { return &roomy[T]{value: value, size: size} }

func (r *roomy[T]) inner() any                 { return r.value }
func (r *roomy[T]) lend(in *buffer) (size int) { r.in = in; return r.size }
func (r *roomy[T]) grow(buf []byte) []byte     { return r.in.grow(buf, r.size) }

type parameter interface {
	inner() any
	lend(in *buffer) (size int)
	grow(buf []byte) []byte
}

// knowRoomy is for each connection.
func knowRoomy(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = slices.Insert(m.TryWrapEncodePlanFuncs, 0, func(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
		p, ok := value.(parameter)
		if !ok {
			return nil, nil, false
		}
		return &encodeRoomy{}, p.inner(), true
	})
}

type encodeRoomy struct{ next pgtype.EncodePlan }

func (p *encodeRoomy) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode implements pgtype.EncodePlan.
func (p *encodeRoomy) Encode(value any, buf []byte) ([]byte, error) {
	r := value.(parameter) //nolint:forcetypeassert // it is chosen by this type
	return p.next.Encode(r.inner(), r.grow(buf))
}

// send sends a batch whose roomy parameters tell how large it is. pgx copies them into the
// connection's buffer, which begins with 1 KiB for each batch and grows as slowly. Both
// are memory that was used for a batch before: new memory of that size is what the
// collector and the caches are busiest with.
func (db *DB) send(ctx context.Context, b *pgx.Batch) error {
	params, wire := takeBuffer(), takeBuffer()
	size := 0
	for _, q := range b.QueuedQueries {
		for _, a := range q.Arguments {
			if p, ok := a.(parameter); ok {
				size += p.lend(params)
			}
		}
	}
	return db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		out := c.Conn().PgConn().Frontend()
		out.Send(room{wire, size})
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			return err // the two are left to the collector: whoever failed may still hold them
		}
		out.Send(room{}) // pgx keeps the buffer of what was small
		params.putBack()
		wire.putBack()
		return nil
	})
}

// room is no message: it adds nothing to the connection's buffer but room. The zero
// value takes a lent one away again.
type room struct {
	in   *buffer
	size int
}

// Encode implements pgproto3.FrontendMessage.
func (r room) Encode(buf []byte) ([]byte, error) {
	switch {
	case r.in != nil:
		return r.in.grow(buf, r.size), nil
	case cap(buf) < minBuffer:
		return buf, nil // pgx's own
	default:
		return slices.Clone(buf), nil
	}
}

// Decode implements pgproto3.FrontendMessage.
func (room) Decode([]byte) error { return nil }

// Frontend implements pgproto3.FrontendMessage.
func (room) Frontend() {}

// buffer is memory that is used again.
type buffer struct{ all []byte }

// minBuffer is more than pgx keeps for the next statement, or batch, so that it lets a lent
// one go. maxBuffer is the largest that is used again: a huge group is not to be held for good.
const (
	minBuffer = 4 << 10
	maxBuffer = 1 << 20
)

var buffers = sync.Pool{New: func() any { return &buffer{} }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) } //nolint:forcetypeassert // nothing else is put in

func (b *buffer) putBack() {
	if cap(b.all) > maxBuffer {
		b.all = nil
	}
	buffers.Put(b)
}

// grow is buf with room for so many bytes more, in b unless that is nil.
func (b *buffer) grow(buf []byte, more int) []byte {
	if b == nil {
		return slices.Grow(buf, more)
	}
	if n := len(buf) + more; n > cap(b.all) {
		b.all = make([]byte, 0, max(n, min(n+n/4, maxBuffer), minBuffer))
	}
	return append(b.all[:0], buf...)
}

// otherBytes is what a row's columns of one size take, all together, or somewhat less.
const otherBytes = 100

// sizeOf is what an array of them takes.
func sizeOf[T string | []byte](all []T) (n int) {
	for _, v := range all {
		n += 4 + len(v)
	}
	return n
}
