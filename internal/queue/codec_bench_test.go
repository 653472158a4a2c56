package queue

import (
	"fmt"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// BenchmarkChunk is what a task's payload costs those who enqueue and those who take
// it: of a single delivery, and of a full chunk of one event.
func BenchmarkChunk(b *testing.B) {
	for _, members := range []int{1, webhook.MaxChunkMembers} {
		c := sample(members, 420)
		payload := encodeChunk(c)
		b.Run(fmt.Sprintf("Encode/%dMembers", members), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				encodeChunk(c)
			}
		})
		b.Run(fmt.Sprintf("Decode/%dMembers", members), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeChunk(c.Task, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
