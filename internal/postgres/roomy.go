package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
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

// otherBytes is what a row's columns of one size take, all together, or somewhat less.
const otherBytes = 100

// sizeOf is what an array of them takes.
func sizeOf[T string | []byte](all []T) (n int) {
	for _, v := range all {
		n += 4 + len(v)
	}
	return n
}
