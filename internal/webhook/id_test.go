package webhook_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/webhook"
)

// anyID draws an id of any time that 48 bits of milliseconds hold.
func anyID(t *rapid.T, label string) webhook.ID {
	var id webhook.ID
	copy(id[:], rapid.SliceOfN(rapid.Byte(), len(id), len(id)).Draw(t, label))
	return id
}

func TestID(t *testing.T) {
	t.Parallel()

	t.Run("IsReadBackAsItWasWritten", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			id := anyID(t, "id")
			got, ok := webhook.ParseID(webhook.EventPrefix, id.Format(webhook.EventPrefix))
			if !ok || got != id {
				t.Fatalf("%x became %x", id, got)
			}
		})
	})

	t.Run("TextSortsAsBytesDo", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			a, b := anyID(t, "a"), anyID(t, "b")
			if bytes.Compare(a[:], b[:]) != strings.Compare(a.String(), b.String()) {
				t.Fatalf("%x and %x sort as %s and %s", a, b, a, b)
			}
		})
	})

	t.Run("KeepsItsTimeToTheMillisecond", func(t *testing.T) {
		t.Parallel()
		at := time.Date(2026, 11, 24, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
		id := webhook.NewID(at)
		if want := at.UTC().Truncate(time.Millisecond); !id.Time().Equal(want) || id.Time().Location() != time.UTC {
			t.Errorf("got %s, want %s", id.Time(), want)
		}
		if want := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC); !id.Day().Equal(want) {
			t.Errorf("its day is %s, want %s", id.Day(), want)
		}
	})

	t.Run("FirstIsNotAboveAnyOfItsMillisecond", func(t *testing.T) {
		t.Parallel()
		at := time.Now()
		first, before := webhook.FirstID(at), webhook.NewID(at.Add(-time.Millisecond))
		for range 1000 {
			if id := webhook.NewID(at); bytes.Compare(first[:], id[:]) > 0 {
				t.Fatalf("%s is below %s", id, first)
			}
		}
		if bytes.Compare(before[:], first[:]) >= 0 {
			t.Errorf("%s, a millisecond earlier, is not below %s", before, first)
		}
	})

	t.Run("HoldsNoDotAndNoUpperCase", func(t *testing.T) {
		t.Parallel()
		text := webhook.NewID(time.Now()).Format(webhook.EventPrefix)
		if !webhook.ValidEventID(text) || text != strings.ToLower(text) {
			t.Errorf("got %s", text)
		}
	})
}

func TestParseIDTakesOneSpellingOnly(t *testing.T) {
	t.Parallel()
	id := webhook.NewID(time.Now())
	good := id.Format(webhook.EventPrefix)
	if _, ok := webhook.ParseID(webhook.EventPrefix, good); !ok {
		t.Fatalf("%s is refused", good)
	}
	last := len(good) - 1
	for name, bad := range map[string]string{
		"Empty":       "",
		"PrefixOnly":  "evt_",
		"NoPrefix":    id.String(),
		"OtherPrefix": id.Format(webhook.DeliveryPrefix),
		"PrefixTwice": "evt_" + good,
		"UpperPrefix": "EVT_" + id.String(),
		"UpperCase":   "evt_" + strings.ToUpper(id.String()),
		"TooShort":    good[:last],
		"TooLong":     good + "0",
		"Over128Bits": "evt_8" + strings.Repeat("0", 25),
		"LetterI":     good[:last] + "i", // Crockford reads it as 1
		"LetterL":     good[:last] + "l",
		"LetterO":     good[:last] + "o",
		"LetterU":     good[:last] + "u",
		"Hyphen":      good[:10] + "-" + good[11:],
		"Space":       good + " ",
		"NotASCII":    good[:last-1] + "é",
		"NUL":         good[:last] + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := webhook.ParseID(webhook.EventPrefix, bad); ok {
				t.Errorf("%q is taken for %s", bad, got)
			}
		})
	}
	t.Run("AndTheLargestThereIs", func(t *testing.T) {
		t.Parallel()
		largest := "evt_7" + strings.Repeat("z", 25)
		if got, ok := webhook.ParseID(webhook.EventPrefix, largest); !ok || got.Format(webhook.EventPrefix) != largest {
			t.Errorf("%s is %s, %v", largest, got, ok)
		}
	})
}
