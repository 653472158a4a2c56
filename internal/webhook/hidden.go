package webhook

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Masked stands for a value that nobody gets to see.
const Masked = "***"

// MinHidden is the length from which on a value counts as a secret: masking "1" or
// "true" would make answers unreadable and protect nothing.
const MinHidden = 8

// Hidden is what a request carries that must not be kept of its answer: receivers
// that echo what they got, or complain about it, would put the endpoint's custom
// headers in the clear beside the encrypted ones. Nil hides nothing. It is safe for
// concurrent use.
type Hidden struct {
	needles  [][]byte // the longest first
	shortest int
}

// NewHidden hides the values in the spellings that echoes use: plain, in JSON, in a
// URL and in HTML; and of "Bearer …" the credentials alone, too. Values shorter than
// MinHidden stay.
func NewHidden(values ...string) *Hidden {
	var all []string
	for _, value := range values {
		for _, part := range partsOf(value) {
			if len(part) >= MinHidden {
				all = append(all, spellings(part)...)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	h := &Hidden{}
	for _, s := range slices.Compact(all) {
		h.needles = append(h.needles, []byte(s))
		h.shortest = len(s)
	}
	return h
}

func partsOf(value string) []string {
	if _, credentials, ok := strings.Cut(value, " "); ok {
		return []string{value, strings.TrimSpace(credentials)}
	}
	return []string{value}
}

func spellings(s string) []string {
	inHTML := html.EscapeString(s)
	out := []string{
		s, url.QueryEscape(s), url.PathEscape(s), inHTML,
		strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#039;").Replace(inHTML),
	}
	for _, escapeHTML := range []bool{false, true} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(escapeHTML)
		if enc.Encode(s) == nil {
			quoted := strings.TrimSpace(b.String())
			inJSON := quoted[1 : len(quoted)-1]
			out = append(out, inJSON, strings.ReplaceAll(inJSON, "/", `\/`))
		}
	}
	return out
}

// Size is about how many bytes of memory it takes.
func (h *Hidden) Size() int {
	if h == nil {
		return 0
	}
	size := 64
	for _, needle := range h.needles {
		size += len(needle) + 24
	}
	return size
}

// Mask returns text with Masked in place of what is hidden. Of a text that was cut
// off (cut) the end may hold a part of it, which is masked as well.
func (h *Hidden) Mask(text []byte, cut bool) []byte {
	if h == nil || len(text) < MinHidden {
		return text
	}
	if len(text) >= h.shortest {
		for _, needle := range h.needles {
			if bytes.Contains(text, needle) {
				text = bytes.ReplaceAll(text, needle, []byte(Masked))
			}
		}
	}
	if cut {
		text = h.maskEnd(text)
	}
	return text
}

// maskEnd masks the beginning of a hidden value at the end of text.
func (h *Hidden) maskEnd(text []byte) []byte {
	longest := 0
	for _, needle := range h.needles {
		for n := min(len(needle)-1, len(text)); n >= MinHidden && n > longest; n-- {
			if bytes.HasSuffix(text, needle[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return text
	}
	return append(slices.Clip(text[:len(text)-longest]), Masked...)
}

// MaskString is Mask for a whole text.
func (h *Hidden) MaskString(text string) string {
	if h == nil || len(text) < h.shortest {
		return text
	}
	return string(h.Mask([]byte(text), false))
}

// MaskHeader masks the values in place.
func (h *Hidden) MaskHeader(header http.Header) {
	if h == nil {
		return
	}
	for _, values := range header {
		for i := range values {
			values[i] = h.MaskString(values[i])
		}
	}
}
