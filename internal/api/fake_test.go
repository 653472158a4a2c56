package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/hooktest"
)

// TestFakeTakesWhatTheAPITakes holds the fake that users test with to the API: both
// take and refuse the same events, and say the same of them.
func TestFakeTakesWhatTheAPITakes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("fake")
	endpoint := b.endpoint(key)
	real := client.NewWith(b.url, key, client.Config{HTTPClient: &http.Client{}})
	object := map[string]any{"a": 1}
	soon := time.Now().Add(time.Hour)

	for name, c := range map[string]struct {
		eventType string
		payload   any
		options   []client.DispatchOption
	}{
		"Plain":                       {"post.created", object, nil},
		"EveryOption":                 {"post.created", object, []client.DispatchOption{client.WithID("x"), client.WithCreatedAt(soon), client.WithEndpoints(endpoint), client.WithOrderingKey("k"), client.WithWait(time.Millisecond)}},
		"NoType":                      {"", object, nil},
		"ATypeWithASpace":             {"post created", object, nil},
		"ATypeThatEndsWithADot":       {"post.", object, nil},
		"ATypeWithUmlauts":            {"pöst", object, nil},
		"TheLongestType":              {strings.Repeat("a", 256), object, nil},
		"ALongerType":                 {strings.Repeat("a", 257), object, nil},
		"AnIDWithADot":                {"a", object, []client.DispatchOption{client.WithID("a.b")}},
		"TheLongestID":                {"a", object, []client.DispatchOption{client.WithID(strings.Repeat("i", 128))}},
		"ALongerID":                   {"a", object, []client.DispatchOption{client.WithID(strings.Repeat("i", 129))}},
		"TheLongestOrderingKey":       {"a", object, []client.DispatchOption{client.WithOrderingKey(strings.Repeat("ü", 128))}},
		"ALongerOrderingKey":          {"a", object, []client.DispatchOption{client.WithOrderingKey(strings.Repeat("ü", 129))}},
		"AnOrderingKeyWithALine":      {"a", object, []client.DispatchOption{client.WithOrderingKey("a\nb")}},
		"AnOrderingKeyThatIsNoUTF8":   {"a", object, []client.DispatchOption{client.WithOrderingKey("a\xff")}},
		"NoEndpointID":                {"a", object, []client.DispatchOption{client.WithEndpoints("ep_1", endpoint, "EP_01KQXG5WDGF0M8C4YB2H3T9V6Z", "ep_00000000000000000000000000")}},
		"TooManyEndpoints":            {"a", object, []client.DispatchOption{client.WithEndpoints(make([]string, 101)...)}},
		"ManyBadEndpoints":            {"a", object, []client.DispatchOption{client.WithEndpoints(strings.Split(strings.Repeat("x,", 99), ",")...)}},
		"ADeliveryForLater":           {"a", object, []client.DispatchOption{client.WithDeliverAt(soon)}},
		"ALaterDeliveryInOrder":       {"a", object, []client.DispatchOption{client.WithDeliverAt(soon), client.WithOrderingKey("k")}},
		"ALaterDeliveryWaitedFor":     {"a", object, []client.DispatchOption{client.WithDeliverAt(soon), client.WithWait(time.Second)}},
		"ALaterDeliveryWithBadFields": {"a", object, []client.DispatchOption{client.WithDeliverAt(soon), client.WithOrderingKey("\n"), client.WithWait(time.Minute)}},
		"AWaitThatIsTooLong":          {"a", object, []client.DispatchOption{client.WithWait(10*time.Second + time.Millisecond)}},
		"ANegativeWait":               {"a", object, []client.DispatchOption{client.WithWait(-time.Second)}},
		"AWaitThatIsNoNumber":         {"a", object, []client.DispatchOption{func(e *client.NewEvent) { e.Wait = math.NaN() }}},
		"ATimeBeforeAllYears":         {"a", object, []client.DispatchOption{client.WithCreatedAt(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC))}},
		"ATimeAfterAllYears":          {"a", object, []client.DispatchOption{client.WithCreatedAt(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}},
		"EverythingWrong":             {"a b", object, []client.DispatchOption{client.WithID("."), client.WithEndpoints("x"), client.WithOrderingKey("\n"), client.WithWait(time.Hour)}},
		"NoObject":                    {"a", []int{1}, nil},
		"TheLargest":                  {"a", map[string]any{"a": strings.Repeat("<", 1<<20-len(`{"type":"a","data":{"a":""}}`))}, nil},
		"ALarger":                     {"a", map[string]any{"a": strings.Repeat("<", 1<<20-len(`{"type":"a","data":{"a":""}}`)+1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := hooktest.NewFake(t).Dispatch(t.Context(), c.eventType, c.payload, c.options...)
			_, want := real.Dispatch(t.Context(), c.eventType, c.payload, c.options...)
			if (got == nil) != (want == nil) || said(got) != said(want) {
				t.Errorf("the fake says\n%v\nthe API\n%v", got, want)
			}
		})
	}
}

// said is all that an answer says, but for the request's id; of what was not even
// sent nothing is compared but that.
func said(err error) string {
	var e *client.Error
	if !errors.As(err, &e) {
		return ""
	}
	own := *e
	own.RequestID = ""
	return fmt.Sprintf("%#v", own)
}
