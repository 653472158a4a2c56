package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsBlock is a paragraph, a heading or an item of a list.
type docsBlock struct {
	Kind  string // p, h or li
	Spans []docsSpan
}

type docsSpan struct {
	Text string
	Code bool
}

// blocksOf reads the little of Markdown that descriptions use.
func blocksOf(text string) (out []docsBlock) {
	for part := range strings.SplitSeq(text, "\n\n") {
		if heading, ok := strings.CutPrefix(part, "## "); ok {
			out = append(out, docsBlock{"h", spansOf(heading)})
			continue
		}
		if !strings.HasPrefix(part, "- ") {
			out = append(out, docsBlock{"p", spansOf(strings.ReplaceAll(part, "\n", " "))})
			continue
		}
		for line := range strings.SplitSeq(part, "\n") {
			out = append(out, docsBlock{"li", spansOf(strings.TrimPrefix(line, "- "))})
		}
	}
	return out
}

func spansOf(text string) (out []docsSpan) {
	code := false
	for part := range strings.SplitSeq(text, "`") {
		if part != "" {
			out = append(out, docsSpan{part, code})
		}
		code = !code
	}
	return out
}

// typeName is a type in words; linkOf is the schema it leads to.
func typeName(s *huma.Schema) string {
	name := s.Type
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case s.Type == huma.TypeArray:
		name = "array of " + typeName(s.Items)
	case len(s.OneOf) > 0:
		var all []string
		for _, one := range s.OneOf {
			all = append(all, typeName(one))
		}
		name = strings.Join(all, " or ")
	case name == "":
		name = "any"
	case s.Format == "date-time", s.Format == "uri":
		name = s.Format
	}
	if s.Nullable {
		name += " or null"
	}
	return name
}

func linkOf(s *huma.Schema) string {
	for _, part := range append([]*huma.Schema{s, s.Items}, s.OneOf...) {
		if part != nil && part.Ref != "" {
			return refName(part.Ref)
		}
	}
	return ""
}

// boundsOf says what a value may be, beyond its type.
func boundsOf(s *huma.Schema) string {
	var out []string
	if s.Type == huma.TypeArray {
		out = append(out, rangeOf(s.MinItems, s.MaxItems, " items"))
		if of := boundsOf(s.Items); of != "" {
			out = append(out, "each "+of)
		}
	}
	if len(s.Enum) > 0 {
		var words []string
		for _, e := range s.Enum {
			if e != nil {
				words = append(words, fmt.Sprint(e))
			}
		}
		out = append(out, strings.Join(words, ", "))
	}
	out = append(out, rangeOf(s.MinLength, s.MaxLength, " characters"), rangeOf(s.Minimum, s.Maximum, ""))
	if s.Pattern != "" && s.Pattern != patternText {
		out = append(out, s.Pattern)
	}
	if s.Default != nil {
		out = append(out, "default "+string(bytes.TrimSpace(encodeJSON(s.Default)))) // it may be a pointer
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), " · ")
}

func rangeOf[T int | float64](low, high *T, unit string) string {
	number := func(n T) string { return strconv.FormatFloat(float64(n), 'f', -1, 64) }
	switch {
	case low != nil && high != nil:
		return number(*low) + " to " + number(*high) + unit
	case low != nil:
		return "at least " + number(*low) + unit
	case high != nil:
		return "at most " + number(*high) + unit
	}
	return ""
}

func prettyJSON(v any) string {
	var out bytes.Buffer
	if v == nil || json.Indent(&out, encodeJSON(v), "", "  ") != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// curlOf is a command that makes the request, for a shell that knows POSTRIDER_URL
// and POSTRIDER_KEY.
func curlOf(doc *huma.OpenAPI, op *huma.Operation) string {
	path, query := op.Path, ""
	for _, p := range op.Parameters {
		p := resolveParam(doc, p)
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Example))
		case p.In == "query" && p.Required:
			query = "?" + url.Values{p.Name: {fmt.Sprint(p.Example)}}.Encode()
		}
	}
	parts := []string{`curl "$POSTRIDER_URL` + path + query + `"`}
	if op.Method != "GET" {
		parts[0] = `curl -X ` + op.Method + ` "$POSTRIDER_URL` + path + query + `"`
	}
	if len(op.Security[0]) > 0 {
		parts = append(parts, `-H "Authorization: Bearer $POSTRIDER_KEY"`)
	}
	if op.RequestBody != nil {
		body := string(bytes.TrimSpace(encodeJSON(op.RequestBody.Content[typeJSON].Example)))
		parts = append(parts, `-H "Content-Type: application/json"`, "-d '"+strings.ReplaceAll(body, "'", `'\''`)+"'")
	}
	return strings.Join(parts, " \\\n  ")
}
