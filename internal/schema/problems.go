package schema

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/internal/webhook"
)

// problems are what the library says of a schema, with pointers into it.
func problems(doc any, err error) []webhook.FieldError {
	var (
		meta     *jsonschema.SchemaValidationError
		load     *jsonschema.LoadURLError
		notFound *jsonschema.JSONPointerNotFoundError
		noAnchor *jsonschema.AnchorNotFoundError
		one      = func(pointer, detail string) []webhook.FieldError {
			return []webhook.FieldError{{Pointer: pointer, Detail: detail}}
		}
		reference = func(matches func(string) bool) string { return "/schema" + findReference(doc, nil, matches) }
	)
	switch {
	case errors.As(err, &meta):
		return listOf(meta.Err, "/schema")
	case errors.As(err, &load):
		return one(reference(func(ref string) bool {
			document, _, _ := strings.Cut(ref, "#")
			return document != "" && strings.HasSuffix(load.URL, strings.TrimLeft(document, "./"))
		}), "refers to another document, and none is loaded")
	case errors.As(err, &notFound):
		return one(reference(func(ref string) bool { return fragmentOf(ref) == fragmentOf(notFound.URL) }), "refers to what is not there")
	case errors.As(err, &noAnchor):
		return one(reference(func(ref string) bool { return fragmentOf(ref) == fragmentOf(noAnchor.Reference) }), "refers to an anchor that is not there")
	}
	return one("/schema", shorten(strings.ReplaceAll(err.Error(), base, "")))
}

func fragmentOf(ref string) string {
	_, fragment, _ := strings.Cut(ref, "#")
	if plain, err := url.PathUnescape(fragment); err == nil {
		return plain
	}
	return fragment
}

// findReference is the pointer to the first reference that matches, "" for none.
func findReference(v any, path []string, matches func(string) bool) string {
	switch v := v.(type) {
	case map[string]any:
		for _, keyword := range []string{"$ref", "$dynamicRef"} {
			if ref, ok := v[keyword].(string); ok && matches(ref) {
				return pointerTo(append(path, keyword))
			}
		}
		for key, member := range v {
			if found := findReference(member, append(path, key), matches); found != "" {
				return found
			}
		}
	case []any:
		for i, element := range v {
			if found := findReference(element, append(path, strconv.Itoa(i)), matches); found != "" {
				return found
			}
		}
	}
	return ""
}
