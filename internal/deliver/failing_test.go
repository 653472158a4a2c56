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
	if missed := f.replace([]webhook.ID{read}); len(missed) != 0 {
		t.Errorf("%v had a success", missed)
	}
	for id, want := range map[webhook.ID]bool{read: true, before: true, recorded: true, old: false} {
		if f.set[id] != want {
			t.Errorf("%v: %v", id[0], !want)
		}
	}
	f.begin()
	f.replace([]webhook.ID{read})
	if f.set[recorded] {
		t.Error("what was added stays for ever")
	}
}

func TestFailingKnowsRunsThatHadASuccess(t *testing.T) {
	t.Parallel()
	id := webhook.ID{1}
	for readings, want := range map[int]int{0: 1, 1: 0} {
		f := &failing{}
		if f.ends(id) {
			t.Error("it ended a run that is not known")
		}
		for range readings { // that are too early for the run
			f.begin()
			f.replace(nil)
		}
		f.begin()
		if got := f.replace([]webhook.ID{id}); len(got) != want {
			t.Errorf("after %d readings %d had a success, want %d", readings, len(got), want)
		}
		f.begin()
		if got := f.replace([]webhook.ID{id}); len(got) != 0 || !f.ends(id) {
			t.Errorf("a run that is known is not told: %v", got)
		}
	}
}
