package postgres

import (
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5/pgtype"
)

// arrayCodec encodes the arrays that a group's columns are. pgx asks for each element as
// an interface of its own and allocates it: an outcome's six columns were a sixth of all
// that a worker allocated. Whatever is not of these types goes pgx's way.
type arrayCodec struct{ *pgtype.ArrayCodec }

// knowArrays is for each connection.
func knowArrays(m *pgtype.Map) {
	for _, oid := range []uint32{
		pgtype.TextArrayOID, pgtype.UUIDArrayOID, pgtype.ByteaArrayOID, pgtype.TimestamptzArrayOID,
		pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.BoolArrayOID,
	} {
		t, known := m.TypeForOID(oid)
		if !known {
			continue
		}
		if codec, is := t.Codec.(*pgtype.ArrayCodec); is {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{codec}})
		}
	}
}

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if plan := c.planOf(value); plan != nil && format == pgtype.BinaryFormatCode {
		return plan
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// planOf is nil for what is left to pgx.
func (c arrayCodec) planOf(value any) pgtype.EncodePlan {
	element := c.ElementType.OID
	switch value.(type) {
	case []string:
		return planFor(element, pgtype.TextOID, appendString)
	case []pgtype.UUID:
		return planFor(element, pgtype.UUIDOID, appendUUID)
	case [][]byte:
		return planFor(element, pgtype.ByteaOID, appendBytes)
	case []pgtype.Timestamptz:
		return planFor(element, pgtype.TimestamptzOID, appendTimestamptz)
	case []int32:
		return planFor(element, pgtype.Int4OID, appendInt32)
	case []int64:
		return planFor(element, pgtype.Int8OID, appendInt64)
	case []bool:
		return planFor(element, pgtype.BoolOID, appendBool)
	}
	return nil
}

func planFor[T any](element, wanted uint32, value func([]byte, *T) ([]byte, bool)) pgtype.EncodePlan {
	if element != wanted {
		return nil
	}
	return arrayPlan[T]{element, value}
}

// arrayPlan encodes a []T as Postgres's array_recv reads it. value appends an element, and
// reports whether it is more than NULL.
type arrayPlan[T any] struct {
	element uint32
	value   func([]byte, *T) ([]byte, bool)
}

// noValue is the length of NULL.
const noValue = math.MaxUint32

// Encode implements pgtype.EncodePlan.
func (p arrayPlan[T]) Encode(value any, buf []byte) ([]byte, error) {
	all := value.([]T) //nolint:forcetypeassert // it is chosen by this type
	if all == nil {
		return nil, nil // NULL
	}
	be := binary.BigEndian
	nulls := len(buf) + 4
	for _, n := range []uint32{1, 0, p.element, uint32(len(all)), 1} { // dimensions, nulls, type, length, first place
		buf = be.AppendUint32(buf, n)
	}
	for i := range all {
		length := len(buf)
		grown, ok := p.value(be.AppendUint32(buf, noValue), &all[i])
		if buf = grown; ok {
			be.PutUint32(buf[length:], uint32(len(buf)-length-4))
		} else {
			be.PutUint32(buf[nulls:], 1)
		}
	}
	return buf, nil
}

func appendString(buf []byte, v *string) ([]byte, bool) { return append(buf, *v...), true }

func appendUUID(buf []byte, v *pgtype.UUID) ([]byte, bool) {
	if !v.Valid {
		return buf, false
	}
	return append(buf, v.Bytes[:]...), true
}

func appendBytes(buf []byte, v *[]byte) ([]byte, bool) { return append(buf, *v...), *v != nil }

// yearTwoThousand is where Postgres counts from, in µs since 1970.
const yearTwoThousand = 946_684_800_000_000

func appendTimestamptz(buf []byte, v *pgtype.Timestamptz) ([]byte, bool) {
	if !v.Valid {
		return buf, false
	}
	micros := v.Time.Unix()*1_000_000 + int64(v.Time.Nanosecond())/1000 - yearTwoThousand
	switch v.InfinityModifier {
	case pgtype.Finite:
	case pgtype.Infinity:
		micros = math.MaxInt64
	case pgtype.NegativeInfinity:
		micros = math.MinInt64
	}
	return appendInt64(buf, &micros)
}

func appendInt32(buf []byte, v *int32) ([]byte, bool) {
	return binary.BigEndian.AppendUint32(buf, uint32(*v)), true
}

func appendInt64(buf []byte, v *int64) ([]byte, bool) {
	return binary.BigEndian.AppendUint64(buf, uint64(*v)), true
}

func appendBool(buf []byte, v *bool) ([]byte, bool) {
	if *v {
		return append(buf, 1), true
	}
	return append(buf, 0), true
}
