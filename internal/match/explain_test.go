package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	const data = `{"status":"draft","author":{"id":7},"tags":["a"]}`
	tests := []struct {
		name, filters, eventType  string
		code                      Code
		nearest, path, want, have string
	}{
		{"Matches", `{"status":"draft"}`, "post.created", NoMismatch, "", "", "", ""},
		{"Type", `{"status":"x"}`, "posts.created", TypeMismatch, "post.created", "", "", ""},
		{"TypeNearPrefix", ``, "usr.profile.changed", TypeMismatch, "user.profile.*", "", "", ""},
		{"TypeFarFromAll", ``, "x", TypeMismatch, "post.created", "", "", ""},
		{"PlainValue", `{"status":"published"}`, "post.created", FilterMismatch, "", "status", `"published"`, `"draft"`},
		{"Operator", `{"author.id":{"$gt":1,"$lt":7}}`, "post.created", FilterMismatch, "", "author.id", `{"$lt":7}`, `7`},
		{"Missing", `{"author.name":{"$exists":true}}`, "post.created", FilterMismatch, "", "author.name", `{"$exists":true}`, ``},
		{"FirstOfSeveral", `{"tags.0":"a","tags.1":"b","status":"x"}`, "post.created", FilterMismatch, "", "tags.1", `"b"`, ``},
		{"InsideAnd", `{"$and":[{"status":"draft"},{"author.id": 8}]}`, "post.created", FilterMismatch, "", "author.id", `8`, `7`},
		{"Or", `{"$or":[{"status": "x"},{"a":1}]}`, "post.created", FilterMismatch, "", "$or", `[{"status":"x"},{"a":1}]`, ``},
		{"Not", `{"$not":{"status":"draft"}}`, "post.created", FilterMismatch, "", "$not", `{"status":"draft"}`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, tt.filters, "post.created", "user.profile.*", "a.b")
			r := s.Explain(tt.eventType, []byte(data))
			if r.Code != tt.code || r.NearestType != tt.nearest || r.Path != tt.path || string(r.Wanted) != tt.want || string(r.Found) != tt.have {
				t.Errorf("Explain is %+v (wanted %s, found %s)", r, r.Wanted, r.Found)
			}
			if s.Match(tt.eventType, []byte(data)) != (r.Code == NoMismatch) {
				t.Errorf("Match disagrees with Explain: %+v", r)
			}
		})
	}
}

func TestExplainHasEveryConditionThatDoesNotHold(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"tags.0":"a","status":"x","$and":[{"n":{"$gt":1,"$lt":3}},{"m":5}],"$or":[{"q":1}]}`, "post.created")
	r := s.Explain("post.created", []byte(`{"tags":["a"],"status":"draft","n":4}`))
	got := []string{r.Path + " " + string(r.Wanted) + " " + string(r.Found)}
	for _, o := range r.Others {
		got = append(got, o.Path+" "+string(o.Wanted)+" "+string(o.Found))
	}
	want := []string{`status "x" "draft"`, `n {"$lt":3} 4`, `m 5 `, `$or [{"q":1}] `}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var many strings.Builder
	for i := range 50 {
		fmt.Fprintf(&many, `,"p%d":1`, i)
	}
	if r := compile(t, "{"+many.String()[1:]+"}", "a").Explain("a", []byte(`{}`)); len(r.Others) != MaxOthers {
		t.Errorf("%d others, want %d", len(r.Others), MaxOthers)
	}
}

func TestExplainWithoutData(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"status":"x"}`, "post.created")
	if r := s.ExplainType("post.created"); r.Code != NoMismatch || !s.HasFilters() {
		t.Errorf("got %+v, filters %v", r, s.HasFilters())
	}
	if r := s.ExplainType("posts.created"); r.Code != TypeMismatch || r.NearestType != "post.created" || !r.Close {
		t.Errorf("got %+v", r)
	}
	if compile(t, "", "a").HasFilters() || compile(t, "{}", "a").HasFilters() {
		t.Error("no filters are said to be some")
	}
}
