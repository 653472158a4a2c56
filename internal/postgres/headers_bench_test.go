package postgres

import (
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// BenchmarkHeaders stores and reads the headers of a request as the worker sends it.
func BenchmarkHeaders(b *testing.B) {
	headers := []webhook.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Postrider/1"},
		{Name: "X-Webhook-Id", Value: "evt_01jdfz3gmdkeepsarchiveonly"}, {Name: "X-Webhook-Delivery", Value: "dlv_01jdfz3gmdkeepsarchiveonly"},
		{Name: "X-Webhook-Attempt", Value: "1"}, {Name: "X-Webhook-Event", Value: "order.paid"},
		{Name: "X-Webhook-Signature", Value: "sha256=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"},
		{Name: "Webhook-Signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
	}
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
