package console

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

func TestWords(t *testing.T) {
	t.Parallel()

	t.Run("NumbersAreForPeople", func(t *testing.T) {
		t.Parallel()
		for n, want := range map[int64]string{0: "0", 950: "950", 999: "999", 1000: "1k", 12_345: "12.3k", 999_949: "1M", 123_456: "123k", 4_560_000: "4.6M"} {
			if got := count(n); got != want {
				t.Errorf("%d is %q, want %q", n, got, want)
			}
		}
		for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
			if got := exact(n); got != want {
				t.Errorf("%d is %q, want %q", n, got, want)
			}
		}
	})
	t.Run("OnlyWhatIsWholeIsAHundredPercent", func(t *testing.T) {
		t.Parallel()
		for share, want := range map[float64]string{1: "100 %", 0.999999: "99.99 %", 0.9956: "99.56 %", 0.5: "50 %", 0: "0 %", 0.667: "66.7 %"} {
			if got := percent(&share); got != want {
				t.Errorf("%v is %q, want %q", share, got, want)
			}
		}
		if percent(nil) != "–" {
			t.Error("nothing is something")
		}
	})
	t.Run("DurationsHaveTheirTwoLargestUnits", func(t *testing.T) {
		t.Parallel()
		for ms, want := range map[float64]string{0.42: "0.4 ms", 87: "87 ms", 1200: "1.2 s", 61_000: "1 min 1 s", 185_000: "3 min 5 s", 187_200_000: "2 d 4 h"} {
			if got := millis(&ms); got != want {
				t.Errorf("%v is %q, want %q", ms, got, want)
			}
		}
		if got := span(0); got != "0 s" {
			t.Errorf("nothing is %q", got)
		}
		if got := span(time.Hour); got != "1 h" {
			t.Errorf("an hour is %q", got)
		}
	})
	t.Run("SayWhatAnEndpointGets", func(t *testing.T) {
		t.Parallel()
		for want, e := range map[string]client.Endpoint{
			"every event":  {Events: []string{"post.*", "*"}},
			"post.created": {Events: []string{"post.created"}},
			"everything under post and comment.created": {Events: []string{"post.*", "comment.created"}},
			"a, b, c and 2 other types":                 {Events: []string{"a", "b", "c", "d", "e"}},
			"a, if status is “published”":               {Events: []string{"a"}, Filters: json.RawMessage(`{"status":"published"}`)},
			"a, if likes is at least 10":                {Events: []string{"a"}, Filters: json.RawMessage(`{"likes":{"$gte":10}}`)},
			"a, if a condition holds":                   {Events: []string{"a"}, Filters: json.RawMessage(`{"x":{"$in":[` + strings.Repeat(`"long",`, 50) + `"long"]}}`)},
			"every event, if 2 conditions hold":         {Events: []string{"*"}, Filters: json.RawMessage(`{"a":1,"b":2}`)},
		} {
			if got := listens(&e); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
	t.Run("SayWhatEveryFilterWants", func(t *testing.T) {
		t.Parallel()
		for filters, want := range map[string]string{
			`{"status":"published"}`:                             "status is “published”",
			`{"author":{"id":7, "name":"x"}}`:                    `author is {"id":7,"name":"x"}`,
			`{"a":{}}`:                                           "a is {}",
			`{"a":null}`:                                         "a is null",
			`{"a":{"$eq":1.0}}`:                                  "a is 1.0",
			`{"a":{"$ne":"x"}}`:                                  "a is not “x”",
			`{"likes":{"$gt":1,"$lt":9}}`:                        "likes is more than 1 and is less than 9",
			`{"likes":{"$gte":1,"$lte":9}}`:                      "likes is at least 1 and is at most 9",
			`{"author.id":{"$in":[7,"8"]}}`:                      "author.id is one of 7, “8”",
			`{"author.id":{"$nin":[7,8]}}`:                       "author.id is none of 7, 8",
			`{"a":{"$in":[]}}`:                                   "a is one of nothing",
			`{"a":{"$exists":true}}`:                             "a is there",
			`{"a":{"$exists":false}}`:                            "a is missing",
			`{"a":{"$startsWith":"x"}}`:                          "a begins with “x”",
			`{"a":{"$endsWith":"x"}}`:                            "a ends with “x”",
			`{"tags":{"$contains":"x"}}`:                         "tags contains “x”",
			`{"$not":{"tags":{"$contains":"d"}}}`:                "it is not so that tags contains “d”",
			`{"$not":{"a":1,"b":2}}`:                             "it is not so that (a is 1 and b is 2)",
			`{"$or":[{"l":"en"},{"l":{"$exists":false}}]}`:       "l is “en” or l is missing",
			`{"$and":[{"a":1,"b":2},{"$or":[{"c":3},{}]}]}`:      "(a is 1 and b is 2) and (c is 3 or anything)",
			`{"$or":[{"$not":{"a":1}},{"b":{"$gt":1,"$lt":9}}]}`: "(it is not so that a is 1) or (b is more than 1 and is less than 9)",
			`{"a":{"$later":1}}`:                                 "a $later 1",
		} {
			if got := conditions(json.RawMessage(filters)); len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", filters, got, want)
			}
		}
		if got := conditions(json.RawMessage(`{"b":1,"a":2}`)); len(got) != 2 || got[0] != "b is 1" {
			t.Errorf("got %q", got)
		}
		if got := conditions(json.RawMessage(`{"a":"` + strings.Repeat("ä", 100) + `"}`)); got[0] != "a is “"+strings.Repeat("ä", 60)+"…”" {
			t.Errorf("got %q", got)
		}
		if got := conditions(json.RawMessage(`{}`)); got != nil {
			t.Errorf("got %q", got)
		}
	})
}

// TestAuditWords holds the words to the API's description: each action has some.
func TestAuditWords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name   string
				Schema struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, a := range auditActions {
		known[a.ID] = true
	}
	seen := 0
	for _, p := range doc.Paths["/v1/audit-log"]["get"].Parameters {
		for _, id := range p.Schema.Enum {
			if seen++; !known[id] {
				t.Errorf("there are no words for %s", id)
			}
		}
	}
	if seen != len(auditActions) {
		t.Errorf("%d actions have words, and the log has %d", len(auditActions), seen)
	}
	for raw, want := range map[string]string{`"a\nb"`: "a\nb", `20`: "20", `["a","b"]`: "[\n  \"a\",\n  \"b\"\n]", `null`: "none", `""`: "empty"} {
		if got := shownValue(json.RawMessage(raw), false); got != want {
			t.Errorf("%s is %q, want %q", raw, got, want)
		}
	}
	if shownValue(nil, true) != "hidden" || shownValue(nil, false) != "–" {
		t.Error("what is not there is shown")
	}
}
