package webhook

import (
	"net/http"
	"strings"
	"testing"
)

func TestHidden(t *testing.T) {
	t.Parallel()
	const value = `Bearer a/b"c<d>&e f+g=`
	h := NewHidden(value, "short", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	for name, tt := range map[string]struct{ text, want string }{
		"Plain":             {"got " + value + "!", "got ***!"},
		"CredentialsAlone":  {`bad token a/b"c<d>&e f+g=`, "bad token ***"},
		"JSON":              {`{"x":"Bearer a/b\"c<d>&e f+g="}`, `{"x":"***"}`},
		"JSONEscapedSlash":  {`{"x":"Bearer a\/b\"c<d>&e f+g="}`, `{"x":"***"}`},
		"JSONEscapedHTML":   {`{"x":"Bearer a/b\"c\u003cd\u003e\u0026e f+g="}`, `{"x":"***"}`},
		"Query":             {"x=Bearer+a%2Fb%22c%3Cd%3E%26e+f%2Bg%3D&y", "x=***&y"},
		"HTML":              {"<p>Bearer a/b&#34;c&lt;d&gt;&amp;e f+g=</p>", "<p>***</p>"},
		"HTMLWithNames":     {"<p>Bearer a/b&quot;c&lt;d&gt;&amp;e f+g=</p>", "<p>***</p>"},
		"Twice":             {value + value, "******"},
		"Secret":            {"signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signed with ***"},
		"ShortValuesStay":   {"a short story", "a short story"},
		"OtherTextsStay":    {"Bearer of good news", "Bearer of good news"},
		"PartsStay":         {"whsec_MfKQ9r8GKYqr", "whsec_MfKQ9r8GKYqr"},
		"EmptyStays":        {"", ""},
		"ShorterThanItsKey": {"ok", "ok"},
	} {
		if got := string(h.Mask([]byte(tt.text), false)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if got := h.MaskString(tt.text); got != tt.want {
			t.Errorf("%s as a string: %q, want %q", name, got, tt.want)
		}
	}
}

func TestHiddenAtTheEndOfWhatWasCutOff(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	h := NewHidden(secret)
	for n := MinHidden; n <= len(secret); n++ {
		text := []byte("echo: " + secret[:n])
		if got := string(h.Mask(text, true)); got != "echo: ***" {
			t.Errorf("with %d bytes of it: %q", n, got)
		}
		if want := "echo: " + secret[:n]; string(text) != want {
			t.Errorf("the text itself became %q", text)
		}
	}
	// Too little to tell it from anything else.
	if got := string(h.Mask([]byte("echo: "+secret[:MinHidden-1]), true)); got != "echo: "+secret[:MinHidden-1] {
		t.Errorf("%q", got)
	}
}

func TestHiddenInHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{"X-Echo": {"plain", "it was the-value-of-a-header."}, "Date": {"Thu, 26 Nov 2026 10:54:54 GMT"}}
	NewHidden("the-value-of-a-header").MaskHeader(header)
	if got := strings.Join(header["X-Echo"], "|"); got != "plain|it was ***." || header.Get("Date") != "Thu, 26 Nov 2026 10:54:54 GMT" {
		t.Errorf("%v", header)
	}
}

func TestNothingHidden(t *testing.T) {
	t.Parallel()
	if NewHidden() != nil || NewHidden("short", "") != nil {
		t.Error("short values are hidden")
	}
	var none *Hidden
	none.MaskHeader(http.Header{"A": {"b"}})
	if got := string(none.Mask([]byte("whatever it is"), true)) + none.MaskString("x"); got != "whatever it isx" || none.Size() != 0 {
		t.Errorf("%q", got)
	}
}
