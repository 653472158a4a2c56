package verify

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const withoutBreak = "the body without the line break at its end"

// bodyVariants are a body as it may have been when it was signed, that itself first.
// They undo what frameworks, proxies and people do to one; those that are the same
// bytes as one before are left out.
func bodyVariants(raw []byte) []variant {
	body := string(raw)
	out := []variant{{value: body}}
	seen := map[string]bool{body: true}
	add := func(value, says string) {
		if !seen[value] {
			seen[value] = true
			out = append(out, variant{value, change{says, BodyChanged}})
		}
	}
	trimmed := strings.TrimRight(body, "\r\n")
	add(trimmed, withoutBreak)
	add(body+"\n", "the body with a line break at its end")
	add(body+"\r\n", "the body with a line break (CR LF) at its end")
	add(strings.TrimPrefix(body, "\ufeff"), "the body without the byte order mark in front")
	add(strings.TrimSpace(body), "the body without white space around it")
	add(strings.ReplaceAll(body, "\r\n", "\n"), "the body with LF where it has CR LF")
	if decoded, err := base64.StdEncoding.DecodeString(trimmed); err == nil && len(decoded) > 0 {
		add(string(decoded), "the body as its base64 says (a gateway encoded it)")
	}
	if inner := ""; json.Unmarshal(raw, &inner) == nil {
		add(inner, "the body as the text in the JSON string says (it was encoded twice)")
	}
	if plain, ok := gunzipped(raw); ok {
		add(plain, "the body uncompressed")
	}
	addReserialised(raw, add)
	return out
}

// addReserialised undoes what parsing JSON and writing it again does.
func addReserialised(raw []byte, add func(value, says string)) {
	minified := minify(raw)
	if minified == nil {
		return
	}
	const again = "(verify the bytes as they came, before anything parses them)"
	add(string(minified), "the body as it is minified "+again)
	for _, from := range []struct{ body, also string }{{string(raw), ""}, {string(minified), ", minified"}} {
		plain := unescape(from.body, false)
		add(strings.ReplaceAll(from.body, `\/`, `/`), `the body with / where it has \/`+from.also+" "+again)
		add(unescape(from.body, true), `the body with <, > and & where it has \u escapes`+from.also+" "+again)
		add(plain, `the body with characters where it has \u escapes`+from.also+" "+again)
		add(strings.ReplaceAll(plain, `\/`, `/`), `the body with characters where it has escapes`+from.also+" "+again)
		if ordered, ok := inOrder([]byte(from.body)); ok {
			add(ordered, "the body with its members in the order in which they were sent"+from.also+" "+again)
		}
		if ordered, ok := inOrder([]byte(strings.ReplaceAll(plain, `\/`, `/`))); ok {
			add(ordered, "the body with its members in the order in which they were sent, and characters for escapes"+from.also+" "+again)
		}
	}
}

func minify(raw []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil
	}
	return b.Bytes()
}

func gunzipped(raw []byte) (string, bool) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", false
	}
	plain, err := io.ReadAll(io.LimitReader(r, MaxRequestBytes))
	return string(plain), err == nil
}

// members are those of the format "standard", in the order in which they are sent.
var members = []string{"id", "type", "created_at", "data", "workspace_id"}

// inOrder puts a body's outermost members in order.
func inOrder(raw []byte) (string, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || len(m) != len(members) {
		return "", false
	}
	parts := make([]string, len(members))
	for i, name := range members {
		value, ok := m[name]
		if !ok {
			return "", false
		}
		parts[i] = `"` + name + `":` + string(value)
	}
	return "{" + strings.Join(parts, ",") + "}", true
}

// unescape writes characters for \u escapes, except for those that JSON has to
// escape. onlyHTML leaves all but <, > and & as they are.
func unescape(s string, onlyHTML bool) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := escaped(s[i:])
		switch {
		case size == 0 && s[i] == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2]) // another escape, such as \\ before a u
			i += 2
		case size == 0:
			b.WriteByte(s[i])
			i++
		case r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError || onlyHTML && !strings.ContainsRune("<>&", r):
			b.WriteString(s[i : i+size])
			i += size
		default:
			b.WriteRune(r)
			i += size
		}
	}
	return b.String()
}

// escaped is the character of a \u escape at the beginning, a pair of them included.
func escaped(s string) (r rune, size int) {
	unit := func(s string) (rune, bool) {
		if len(s) < 6 || !strings.HasPrefix(s, `\u`) {
			return 0, false
		}
		n, err := strconv.ParseUint(s[2:6], 16, 16)
		return rune(n), err == nil
	}
	r, ok := unit(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := unit(s[6:]); ok {
		return utf16.DecodeRune(r, low), 12
	}
	return utf8.RuneError, 6
}
