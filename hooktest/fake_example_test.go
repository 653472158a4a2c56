package hooktest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/hooktest"
)

// blog is code under test: it publishes, and takes whatever does so.
type blog struct{ events client.Dispatcher }

func (b *blog) publish(ctx context.Context, id int, title string) error {
	_, err := b.events.Dispatch(ctx, "post.published", map[string]any{"id": id, "title": title})
	return err
}

func ExampleFake() {
	_ = testPublish // in a test of your own: func TestPublish(t *testing.T)
}

func testPublish(t *testing.T) {
	fake := hooktest.NewFake(t)
	b := &blog{events: fake}

	if err := b.publish(t.Context(), 123, "My Blog Post"); err != nil {
		t.Fatal(err)
	}
	fake.AssertDispatched("post.published", func(e hooktest.Event) bool { return e.Get("id") == 123.0 })
	fake.AssertDispatchedWith("post.published", map[string]any{"id": 123, "title": "My Blog Post"})
	fake.AssertDispatchedTimes("post.published", 1)
	fake.AssertNotDispatched("post.deleted")

	fake.FailNext(errors.New("away"))
	if err := b.publish(t.Context(), 124, ""); err == nil {
		t.Error("the failure is not passed on")
	}
}
