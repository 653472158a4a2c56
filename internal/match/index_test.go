package match

import (
	"slices"
	"sync"
	"testing"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	x := NewIndex([]Entry[string]{
		{compile(t, ``, "post.created", "post.*", "*"), "everything"},
		{compile(t, ``, "post.created", "post.*"), "posts"},
		{compile(t, ``, "post.created"), "created"},
		{compile(t, `{"draft":true}`, "post.created"), "drafts"},
		{compile(t, ``, "post.comment.*", "user.*"), "comments"},
		{compile(t, ``, "post.created", "post.created"), "twice"},
	})
	for _, tt := range []struct {
		eventType, data string
		want            []string
		most            int
	}{
		{"post.created", `{}`, []string{"everything", "posts", "created", "twice"}, 5},
		{"post.created", `{"draft":true}`, []string{"everything", "posts", "created", "drafts", "twice"}, 5},
		{"post.comment.created", `{}`, []string{"everything", "posts", "comments"}, 3},
		{"posts.created", `{}`, []string{"everything"}, 1},
		{"post", `{}`, []string{"everything"}, 1},
	} {
		if got := x.Most(tt.eventType); got != tt.most {
			t.Errorf("%s may go to %d, want %d", tt.eventType, got, tt.most)
		}
		if got := x.Match(nil, tt.eventType, []byte(tt.data)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s goes to %q, want %q", tt.eventType, tt.data, got, tt.want)
		}
	}
}

func TestIndexAppends(t *testing.T) {
	t.Parallel()
	x := NewIndex([]Entry[int]{{compile(t, ``, "a"), 2}})
	if got := x.Match([]int{1}, "a", nil); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("Match appended to [1] is %v, want [1 2]", got)
	}
	if got := NewIndex[int](nil).Match(nil, "a", nil); got != nil {
		t.Errorf("an empty index finds %v", got)
	}
}

func TestIndexIsSafeForManyGoroutines(t *testing.T) {
	t.Parallel()
	var entries []Entry[int]
	for i := range 200 {
		entries = append(entries, Entry[int]{compile(t, `{"a.b":{"$contains":"\n"}}`, "post.*"), i})
	}
	x := NewIndex(entries)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := x.Match(nil, "post.created", []byte(`{"a":{"b":"x\n"}}`)); len(got) != len(entries) {
					t.Errorf("%d matches, want %d", len(got), len(entries))
				}
			}
		})
	}
	wg.Wait()
}
