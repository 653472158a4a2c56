package console

import "testing"

// A page is parsed when it is first shown: what is wrong in it would be found by
// whoever opens it.
func TestViews_Parse(t *testing.T) {
	t.Parallel()
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	views, err := newViews(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(views) < 10 {
		t.Fatalf("%d pages", len(views))
	}
	for name, v := range views {
		if _, err := v.parsed(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
