package match

import (
	"fmt"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, eventType, patterns, want string
		isClose                         bool
	}{
		{"AMisspeltWord", "posts.created", "post.created post.updated user.created", "post.created", true},
		{"TheOtherWordCountsAsMuch", "order.created", "orders.deleted user.created order.create", "order.create", true},
		{"AWholeWordOfAnotherKindIsFar", "order.created", "user.created", "user.created", false},
		{"WordsAreNotCutInTheMiddle", "ab.c", "a.bc ab.d.e", "a.bc", false},
		{"CaseIsASlip", "Post.Created", "post.created", "post.created", true},
		{"APrefixByItsOwnWords", "usr.profile.changed", "user.* a.b", "user.*", true},
		{"ThePrefixAlone", "post", "user.* post.*", "post.*", true},
		{"OneWordTooMany", "post.created.v2", "comment.created post.created", "post.created", false},
		{"TheFirstOfEquals", "a", "b c", "b", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, isClose := nearest(strings.Fields(tt.patterns), tt.eventType)
			if got != tt.want || isClose != tt.isClose {
				t.Errorf("nearest to %s among %s is %s (close: %v)", tt.eventType, tt.patterns, got, isClose)
			}
		})
	}
}

func TestNearestCostsLittleHoweverManyPatterns(t *testing.T) {
	t.Parallel()
	patterns := make([]string, maxPatterns)
	for i := range patterns {
		patterns[i] = fmt.Sprintf("%s%04d", strings.Repeat("x", 252), i)
	}
	patterns[maxPatterns-1] = strings.Repeat("y", 256)
	// The last one is never come to: that is what the bound is for.
	if got, _ := nearest(patterns, strings.Repeat("y", 255)+"z"); got != patterns[0] {
		t.Errorf("all were compared: %.8s", got)
	}
}
