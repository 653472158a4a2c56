package api

import (
	"runtime"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What is refused must not cost a multiple of its size: not parallel, for it
// counts what the whole process allocates.
func TestRefusedBodiesCostNoMoreThanTheirSize(t *testing.T) {
	const size = webhook.MaxEventBytes
	for name, tt := range map[string]struct {
		body string
		read func(body []byte) error
	}{
		"ElementsBeyondTheLimit": {`{"events":[` + strings.Repeat("1,", size/2) + `1]}`, func(b []byte) error { _, err := parseBatch(b); return err }},
		"UnknownMembers":         {`{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`, func(b []byte) error { _, err := parseBatch(b); return err }},
		"UnknownFields":          {`{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`, func(b []byte) error { return decode(b, &endpointInput{}) }},
		"UnknownFieldsOfAnEvent": {`{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`, func(b []byte) error {
			_, bad := parseEvent(b, "")
			return webhook.Invalid(bad...)
		}},
		"HalfAPairDeepDown": {
			strings.Repeat(`{"a":`, 5000) + `[` + strings.Repeat("1,", size/2) + `"\ud800"]` + strings.Repeat("}", 5000), checkSurrogates,
		},
		"HalfAPairAfterManyMembers": {
			strings.Repeat(`{"a":`, 5000) + `{` + strings.Repeat(`"a":1,`, size/6) + `"a":"\ud800"}` + strings.Repeat("}", 5000), checkSurrogates,
		},
	} {
		var err error
		if got := allocated(func() { err = tt.read([]byte(tt.body)) }); err == nil || got > 4*size {
			t.Errorf("%s: %d bytes were allocated for %d (%.50v)", name, got, len(tt.body), err)
		}
	}
}
