package deliver

import (
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestFailingKeepsWhatIsAddedWhileItIsRead(t *testing.T) {
	t.Parallel()
	read, before, recorded, old := webhook.ID{1}, webhook.ID{2}, webhook.ID{3}, webhook.ID{4}
	f := &failing{}
	f.add(old) // and a success of another worker's ended its run
	f.add(before)
	f.begin()
	f.add(before) // its record, which the reading was too early for
	f.add(recorded)
	f.replace([]webhook.ID{read})
	for id, want := range map[webhook.ID]bool{read: true, before: true, recorded: true, old: false} {
		if f.has(id) != want {
			t.Errorf("%v: %v", id[0], !want)
		}
	}
	f.begin()
	f.replace([]webhook.ID{read})
	if f.has(recorded) {
		t.Error("what was added stays for ever")
	}
}
