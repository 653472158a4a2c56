package postgres

import (
	"bytes"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

// What is sent is, to the byte, what pgx sends.
func TestArraysAreEncodedAsPgxDoes(t *testing.T) {
	t.Parallel()
	own := pgtype.NewMap()
	knowArrays(own)
	id := pgID(webhook.NewID(time.Now()))
	for _, array := range []struct {
		oid    uint32
		values []any
	}{
		{pgtype.TextArrayOID, []any{[]string(nil), []string{}, []string{"", "a", "ü\n{\"", "NULL"}}},
		{pgtype.UUIDArrayOID, []any{[]pgtype.UUID(nil), []pgtype.UUID{}, []pgtype.UUID{id, {}, id}}},
		{pgtype.ByteaArrayOID, []any{[][]byte(nil), [][]byte{}, [][]byte{{0, 255}, nil, {}}}},
		{pgtype.TimestamptzArrayOID, []any{
			[]pgtype.Timestamptz(nil), []pgtype.Timestamptz{},
			[]pgtype.Timestamptz{
				pgTime(time.Date(2026, 11, 28, 1, 2, 3, 999_999_999, time.FixedZone("", 3600))), pgTime(time.Date(1969, 12, 31, 23, 59, 59, 1999, time.UTC)), {},
				{Valid: true, InfinityModifier: pgtype.Infinity}, {Valid: true, InfinityModifier: pgtype.NegativeInfinity},
			},
		}},
		{pgtype.Int4ArrayOID, []any{[]int32(nil), []int32{}, []int32{0, -1, 1<<31 - 1, -1 << 31}, []int64{7}}},
		{pgtype.Int8ArrayOID, []any{[]int64(nil), []int64{}, []int64{0, -1, 1<<63 - 1, -1 << 63}, []int32{7}}},
		{pgtype.BoolArrayOID, []any{[]bool(nil), []bool{}, []bool{true, false}}},
	} {
		for i, value := range array.values {
			for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
				before := []byte("what is there")
				want, err := pgtype.NewMap().Encode(array.oid, format, value, bytes.Clone(before))
				got, ownErr := own.Encode(array.oid, format, value, bytes.Clone(before))
				if err != nil || ownErr != nil {
					t.Fatal(err, ownErr)
				}
				if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					t.Errorf("type %d, value %d, format %d: %q, not %q", array.oid, i, format, got, want)
				}
			}
		}
	}
}

func TestArraysCostNoAllocationForAnElement(t *testing.T) { // not parallel: AllocsPerRun is of the whole process
	m := pgtype.NewMap()
	knowArrays(m)
	buf := make([]byte, 0, 1<<20)
	for oid, value := range map[uint32]any{
		pgtype.TextArrayOID: make([]string, 100), pgtype.UUIDArrayOID: make([]pgtype.UUID, 100), pgtype.ByteaArrayOID: make([][]byte, 100),
		pgtype.TimestamptzArrayOID: make([]pgtype.Timestamptz, 100), pgtype.Int4ArrayOID: make([]int32, 100),
		pgtype.Int8ArrayOID: make([]int64, 100), pgtype.BoolArrayOID: make([]bool, 100),
	} {
		n := testing.AllocsPerRun(100, func() {
			if _, err := m.Encode(oid, pgtype.BinaryFormatCode, value, buf); err != nil {
				t.Error(err)
			}
		})
		if n > 2 {
			t.Errorf("100 elements of type %d cost %v allocations", oid, n)
		}
	}
}
