package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestWorkspaceID(t *testing.T) {
	t.Parallel()

	t.Run("IsANumberWhereItReadsAsOne", func(t *testing.T) {
		t.Parallel()
		for id, want := range map[webhook.WorkspaceID]string{
			"456": "456", "0": "0", "9": "9", "999999999999999": "999999999999999",
			"1000000000000000": `"1000000000000000"`, // 16 digits
			"007":              `"007"`, "00": `"00"`, "-1": `"-1"`, "1-2": `"1-2"`, "1e5": `"1e5"`, "a": `"a"`, "ws_1": `"ws_1"`, "_": `"_"`,
		} {
			marshaled, err := json.Marshal(id)
			if err != nil || string(marshaled) != want {
				t.Errorf("%s is marshaled as %s, %v", id, marshaled, err)
			}
			if got := id.AppendJSON([]byte("x")); string(got) != "x"+want {
				t.Errorf("%s is appended as %s", id, got)
			}
		}
	})

	t.Run("IsReadInBothForms", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]webhook.WorkspaceID{
			`456`: "456", `"456"`: "456", `0`: "0", `"007"`: "007", `"a"`: "a", `"\u0061"`: "a", `999999999999999`: "999999999999999",
		} {
			var got webhook.WorkspaceID
			if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
				t.Errorf("%s is read as %q, %v", text, got, err)
			}
		}
	})

	t.Run("IsReadInNoOther", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{`1.0`, `1e2`, `-1`, `1000000000000000`, `true`, `{}`, `[456]`} {
			var got webhook.WorkspaceID
			if err := json.Unmarshal([]byte(text), &got); err == nil {
				t.Errorf("%s is read as %q", text, got)
			}
		}
	})

	t.Run("HasOneTo64NameCharacters", func(t *testing.T) {
		t.Parallel()
		for _, good := range []webhook.WorkspaceID{"a", "456", "A-Z_0", webhook.WorkspaceID(strings.Repeat("x", 64)), webhook.NewWorkspaceID(time.Now())} {
			if !good.Valid() {
				t.Errorf("%q is refused", good)
			}
		}
		for _, bad := range []webhook.WorkspaceID{"", "a.b", "a b", "é", "a\n", webhook.WorkspaceID(strings.Repeat("x", 65))} {
			if bad.Valid() {
				t.Errorf("%q is taken", bad)
			}
		}
	})
}
