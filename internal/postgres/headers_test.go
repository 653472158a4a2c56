package postgres

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/webhook"
)

// sentHeaders are a request's as the worker sends it.
func sentHeaders() []webhook.Header {
	return []webhook.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Postrider/1"},
		{Name: "X-Webhook-Signature", Value: "sha256=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"},
		{Name: "X-Webhook-Timestamp", Value: "1700000000"}, {Name: "X-Webhook-ID", Value: "evt_01jdfz3gmdkeepsarch9verev8"},
		{Name: "X-Webhook-Event", Value: "order.paid"}, {Name: "X-Webhook-Delivery", Value: "dlv_01jdfz3gmdkeepsarch9verev9"},
		{Name: "X-Webhook-Attempt", Value: "1"}, {Name: "webhook-id", Value: "evt_01jdfz3gmdkeepsarch9verev8"},
		{Name: "webhook-timestamp", Value: "1700000000"},
		{Name: "webhook-signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
	}
}

func headersAre(t *testing.T, got, want []webhook.Header) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()

	t.Run("OfARequestTakeAThirdAtMost", func(t *testing.T) {
		t.Parallel()
		text := 0
		for _, h := range sentHeaders() {
			text += len(h.Name) + len(h.Value) + 4
		}
		stored := encodeHeaders(sentHeaders())
		if len(stored)*3 > text {
			t.Errorf("%d bytes of %d", len(stored), text)
		}
		headersAre(t, decodeHeaders(stored), sentHeaders())
	})

	// What stands in rows is read for ever: no code may change its meaning.
	t.Run("AreReadAsTheyWereWritten", func(t *testing.T) {
		t.Parallel()
		stored, err := hex.DecodeString("01" + // packed
			"010102" + // Content-Type: application/json
			"02000b506f737472696465722f31" + // User-Agent: Postrider/1
			"03035257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd" + // X-Webhook-Signature
			"040580e2cfaa06" + // X-Webhook-Timestamp: 1700000000
			"050701935ff1c28d9b9d6cab0c8a76ec3b68" + // X-Webhook-ID: evt_...
			"06000a6f726465722e70616964" + // X-Webhook-Event: order.paid
			"070801935ff1c28d9b9d6cab0c8a76ec3b69" + // X-Webhook-Delivery: dlv_...
			"080501" + // X-Webhook-Attempt: 1
			"090204" + "0a0203" + // webhook-id and webhook-timestamp: as above
			"0b042b9a197f337de59f5456ed44b1f4267d5350867919da98fda3d34337f1ffa48e" + // webhook-signature
			"0e06e581e59d04" + // Date
			"0005582d4f776e0101") // X-Own: ***
		if err != nil {
			t.Fatal(err)
		}
		want := append(sentHeaders(), webhook.Header{Name: "Date", Value: "Mon, 02 Jan 2006 15:04:05 GMT"}, webhook.Header{Name: "X-Own", Value: "***"})
		headersAre(t, decodeHeaders(stored), want)
		if got := encodeHeaders(want); !bytes.Equal(got, stored) {
			t.Errorf("they are written as %x", got)
		}
	})

	// A name or a value that moved would be read as another's in rows that are there.
	t.Run("HaveTheCodesThatRowsHold", func(t *testing.T) {
		t.Parallel()
		for code, name := range map[byte]string{13: "tracestate", 29: "Retry-After", 45: "Cross-Origin-Opener-Policy", 66: "Cross-Origin-Resource-Policy"} {
			if headerCodes[name] != code {
				t.Errorf("%s has the code %d, not %d", name, headerCodes[name], code)
			}
		}
		for code, value := range map[byte]string{17: "application/problem+json", 34: "Origin", 46: "ASP.NET", 61: "noopen", 65: `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`} {
			if valueCodes[value] != code {
				t.Errorf("%s has the code %d, not %d", value, valueCodes[value], code)
			}
		}
		tables := strings.Join(headerNames[:], "\n") + "\n\n" + strings.Join(headerValues[:], "\n")
		if sum := sha256.Sum256([]byte(tables)); hex.EncodeToString(sum[:8]) != "e51115dbefa7b39f" {
			t.Errorf("the tables are other than in rows that are there; after adding at an end they are %x", sum[:8])
		}
		if len(headerCodes) != len(headerNames)-1 || len(valueCodes) != len(headerValues) {
			t.Error("something is in a table twice")
		}
	})

	t.Run("OfTheFirstReleasesAreLines", func(t *testing.T) {
		t.Parallel()
		headersAre(t, decodeHeaders([]byte("Date: Mon, 02 Jan 2006 15:04:05 GMT\r\nX-A: b: c\r\n")), []webhook.Header{
			{Name: "Date", Value: "Mon, 02 Jan 2006 15:04:05 GMT"}, {Name: "X-A", Value: "b: c"},
		})
	})

	t.Run("WithoutAnyAreEmpty", func(t *testing.T) {
		t.Parallel()
		if b := encodeHeaders(nil); b == nil || len(b) != 0 {
			t.Errorf("got %v: the column is not null", b)
		}
		headersAre(t, decodeHeaders(nil), nil)
	})

	t.Run("ThatALaterReleaseKnowsEndTheList", func(t *testing.T) {
		t.Parallel()
		known := encodeHeaders([]webhook.Header{{Name: "Date", Value: "x"}})
		for _, more := range []string{"\xff\x00\x01a", "\x01\xff", "\x01\x01\xff", "\x01\x02\x07", "\x01\x00\x05abc", "\x01\x03ab", "\x01\x05\x80", "\x00"} {
			headersAre(t, decodeHeaders([]byte(string(known)+more)), []webhook.Header{{Name: "Date", Value: "x"}})
		}
	})
}

// Whatever looks like something that is packed comes back to the letter.
func TestHeaders_ComeBackToTheLetter(t *testing.T) {
	t.Parallel()
	shapes := rapid.OneOf(
		rapid.StringMatching(`sha256=[0-9a-fA-F]{64}`), rapid.StringMatching(`v1,[A-Za-z0-9+/]{42,43}={1,2}`), rapid.StringMatching(`(evt|dlv|att)_[0-9a-hjkmnp-tv-z]{26}`),
		rapid.StringMatching(`(EVT|evt)_[0-9A-Za-z]{26}`), rapid.StringMatching(`[+-]?0{0,2}[0-9]{0,20}`),
		rapid.StringMatching(`(Mon|Tue), [0-3][0-9] (Jan|Feb) (19|20)[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT`),
		rapid.SampledFrom(headerValues[:]), rapid.StringN(0, 40, 300),
	)
	names := rapid.OneOf(rapid.SampledFrom(headerNames[:]), rapid.StringMatching(`[A-Za-z-]{1,30}`))
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) webhook.Header {
			return webhook.Header{Name: names.Draw(t, "name"), Value: shapes.Draw(t, "value")}
		}), 0, 300).Draw(t, "headers")
		got := decodeHeaders(encodeHeaders(given))
		if len(got) != len(given) {
			t.Fatalf("%d of %d headers came back", len(got), len(given))
		}
		spaced := strings.NewReplacer("\r", " ", "\n", " ")
		for i := range given {
			if got[i].Name != given[i].Name || got[i].Value != spaced.Replace(given[i].Value) {
				t.Fatalf("%q became %q", given[i], got[i])
			}
		}
	})
}
