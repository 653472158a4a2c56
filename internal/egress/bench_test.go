package egress

import (
	"testing"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

// BenchmarkSender posts over kept-alive connections from many goroutines; the
// receiver's work is in the figures.
func BenchmarkSender(b *testing.B) {
	ca := hostile.NewAuthority(b, "CA")
	config := serverTLS(ca.Issue(b, hostile.Always(), "127.0.0.1"))
	header := []webhook.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Postrider/1"},
		{Name: "X-Webhook-Signature", Value: "sha256=470f55180a5a2afb9fce9a9fcf7d6970cac6b84b6abe4ff61920698607c29ada"},
		{Name: "X-Webhook-Timestamp", Value: "1640995200"}, {Name: "X-Webhook-ID", Value: "evt_abc123def456"},
		{Name: "X-Webhook-Event", Value: "post.created"}, {Name: "X-Webhook-Delivery", Value: "dlv_1"}, {Name: "X-Webhook-Attempt", Value: "1"},
		{Name: "webhook-id", Value: "evt_abc123def456"}, {Name: "webhook-timestamp", Value: "1640995200"},
		{Name: "webhook-signature", Value: "v1,dXEieW8SqTTgWibJidrlIOuIPtsQ5PhkAax1EFq9oHM="},
	}
	for name, tt := range map[string]struct {
		scheme string
		r      *receiver
	}{
		"Plain": {"http", newReceiver(b, "127.0.0.1:0", answering(okAnswer))},
		"TLS":   {"https", newTLSReceiver(b, config, answering(okAnswer))},
	} {
		b.Run(name, func(b *testing.B) {
			c := newClient(b, loopback(), SenderConfig{RootCAs: ca.Pool()})
			raw, body := tt.scheme+"://"+tt.r.Addr().String()+"/hook", make([]byte, 300)
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if res := c.Do(b.Context(), Request{URL: raw, Header: header, Body: body}); res.Err != nil {
						b.Error(res.Err)
						return
					}
				}
			})
		})
	}
}
