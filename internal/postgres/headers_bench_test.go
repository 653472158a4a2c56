package postgres

import "testing"

// BenchmarkHeaders stores and reads the headers of a request as the worker sends it.
func BenchmarkHeaders(b *testing.B) {
	headers := sentHeaders()
	stored := encodeHeaders(headers)
	b.Run("Encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encodeHeaders(headers)
		}
	})
	b.Run("Decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := decodeHeaders(stored); len(got) != len(headers) {
				b.Fatalf("%d headers of %d", len(got), len(headers))
			}
		}
	})
}
