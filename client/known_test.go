package client

import "testing"

func TestPublishTellsWhetherTheEventWasThereAlready(t *testing.T) {
	t.Parallel()
	there := accepted
	there.status = 200
	for _, c := range []struct {
		answer step
		known  bool
	}{{accepted, false}, {there, true}} {
		client, _ := scripted(Config{}, gone, c.answer)
		got, err := client.Dispatch(t.Context(), "post.created", map[string]any{}, WithID("mine"))
		if err != nil || got.ID != "evt_1" || got.Known != c.known {
			t.Errorf("%d: got %+v, %v", c.answer.status, got, err)
		}
	}
}
