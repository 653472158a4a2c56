package match

import "testing"

func TestMatchesType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		events      []string
		match, miss []string
	}{
		{"Exact", []string{"post.created"}, []string{"post.created"}, []string{"post.create", "post.created.x", "post", "Post.created", "xpost.created"}},
		{"Prefix", []string{"post.*"}, []string{"post.created", "post.comment.created"}, []string{"post", "posts.created", "my.post.created"}},
		{"DeepPrefix", []string{"post.comment.*"}, []string{"post.comment.created", "post.comment.reply.created"}, []string{"post.comment", "post.created", "post.comments.created"}},
		{"Everything", []string{"*"}, []string{"a", "a.b.c"}, nil},
		{"EverythingAmongOthers", []string{"a", "*", "b.*"}, []string{"a", "b.c", "z"}, nil},
		{"Several", []string{"z.*", "a", "m.n", "z.y.*"}, []string{"a", "m.n", "z.y", "z.y.x"}, []string{"m", "z", "m.n.o", "a.b"}},
		{"Repeated", []string{"a", "a", "b.*", "b.*"}, []string{"a", "b.c"}, []string{"b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, "", tt.events...)
			for _, name := range tt.match {
				if !s.MatchesType(name) || !s.Match(name, []byte(`{}`)) {
					t.Errorf("%q does not match %s", tt.events, name)
				}
			}
			for _, name := range tt.miss {
				if s.MatchesType(name) || s.Match(name, []byte(`{}`)) {
					t.Errorf("%q matches %s", tt.events, name)
				}
			}
		})
	}
}
