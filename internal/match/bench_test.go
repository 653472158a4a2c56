package match

import (
	"fmt"
	"strings"
	"testing"
)

const benchEvent = `{"id":123,"title":"My Blog Post","url":"https:\/\/example.com\/posts\/my-blog-post","status":"published",` +
	`"author":{"id":42,"name":"Ada","email":"ada@example.com"},"tags":["go","webhooks"],"word_count":1200,"published_at":"2024-01-15T10:30:00Z"}`

func BenchmarkMatch(b *testing.B) {
	for name, filters := range map[string]string{
		"TypeOnly":  ``,
		"String":    `{"status":"published"}`,
		"Nested":    `{"author.id":42}`,
		"Range":     `{"word_count":{"$gte":1000,"$lt":2000}}`,
		"Element":   `{"tags.1":"webhooks"}`,
		"Escaped":   `{"url":{"$startsWith":"https://example.com/"}}`,
		"OrOfThree": `{"$or":[{"status":"draft"},{"author.id":7},{"tags":{"$contains":"go"}}]}`,
	} {
		s := compile(b, filters, "post.*")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			data := []byte(benchEvent)
			for b.Loop() {
				if !s.Match("post.created", data) {
					b.Fatal("no match")
				}
			}
		})
	}
}

// BenchmarkIndex finds the few among thousands of endpoints: by type, and by a
// filter that nearly all refuse.
func BenchmarkIndex(b *testing.B) {
	const endpoints = 5000
	var byType, byFilter []Entry[int]
	for i := range endpoints {
		byType = append(byType, Entry[int]{compile(b, ``, fmt.Sprintf("type%d.created", i), fmt.Sprintf("kind%d.*", i)), i})
		byFilter = append(byFilter, Entry[int]{compile(b, fmt.Sprintf(`{"author.id":%d}`, i), "post.*"), i})
	}
	for name, bench := range map[string]struct {
		entries   []Entry[int]
		eventType string
	}{"ByType": {byType, "kind42.updated"}, "ByFilter": {byFilter, "post.created"}} {
		x := NewIndex(bench.entries)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []int
			data := []byte(benchEvent)
			for b.Loop() {
				if dst = x.Match(dst[:0], bench.eventType, data); len(dst) != 1 {
					b.Fatalf("%d matches", len(dst))
				}
			}
		})
	}
}

// BenchmarkLargeEvent is the worst that is accepted: a thousand paths into a megabyte.
func BenchmarkLargeEvent(b *testing.B) {
	var members, entries []string
	for i := range 60_000 {
		members = append(members, fmt.Sprintf(`"key_%d":{"v":%d}`, i, i))
	}
	for i := range maxConditions {
		entries = append(entries, fmt.Sprintf(`"key_%d.v":%d`, 40*i, 40*i))
	}
	s := compile(b, "{"+strings.Join(entries, ",")+"}", "*")
	data := []byte("{" + strings.Join(members, ",") + "}")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if !s.Match("x", data) {
			b.Fatal("no match")
		}
	}
}
