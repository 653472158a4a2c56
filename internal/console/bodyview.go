package console

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// shownOfBody is how much of a body a page shows; the whole can be downloaded.
	shownOfBody = webhook.MaxResponseBytes
	// shownOfBinary is how much of what is no text, as hexadecimal digits.
	shownOfBinary = 512
	// What is nested deeper is shown as it came: indenting it takes the square of its
	// depth, so that 64 KiB of brackets would become hundreds of megabytes.
	mostNesting = 24
	mostPretty  = 4 * shownOfBody
)

// bodyView is a body as it can be looked at. Whoever sent it may mean ill: it is only
// ever shown as text.
type bodyView struct {
	Bytes int
	// Text is it as it came; empty where it is no text.
	Text string
	// Pretty is JSON on many lines; empty where it is none, or is so already.
	Pretty string
	// Hex is what is no text.
	Hex string
	// Shown is how many of its bytes these are.
	Shown int
}

// Cut says that there is more of it than is shown.
func (b *bodyView) Cut() bool { return b.Shown < b.Bytes }

// Full says that an answer was as large as what is kept of one, so that there may
// have been more.
func (b *bodyView) Full() bool { return b.Bytes >= webhook.MaxResponseBytes }

func newBodyView(raw []byte) *bodyView {
	b := &bodyView{Bytes: len(raw)}
	if !utf8.Valid(raw) || bytes.ContainsRune(raw, 0) {
		b.Shown = min(len(raw), shownOfBinary)
		b.Hex = hex.Dump(raw[:b.Shown])
		return b
	}
	text := raw
	if len(text) > shownOfBody {
		text = bytes.ToValidUTF8(text[:shownOfBody], nil) // a character may be cut in two
	}
	b.Shown, b.Text = len(text), string(text)
	if !b.Cut() {
		b.Pretty = pretty(raw)
	}
	return b
}

// pretty is empty where that helps nobody.
func pretty(raw []byte) string {
	if nesting(raw) > mostNesting {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil || out.Len() > mostPretty || bytes.Equal(bytes.TrimSpace(raw), out.Bytes()) {
		return ""
	}
	return out.String()
}

// nesting is how deep brackets are within each other; those in texts count, too.
func nesting(raw []byte) int {
	depth, most := 0, 0
	for _, c := range raw {
		switch c {
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		}
	}
	return most
}
