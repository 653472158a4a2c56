// Package conform holds an API's answers to its OpenAPI description, in tests. It
// is stricter than the description: an answer may have no field, no header and no
// problem code that is not described.
package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Description is an OpenAPI description. It may be used by many goroutines.
type Description struct {
	root     map[string]any
	paths    map[string]map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema // by JSON pointer
}

const resource = "openapi.json"

// Parse reads a description in JSON.
func Parse(raw []byte) (*Description, error) {
	strict, err := Strict(raw)
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(strict))
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	d := &Description{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}, paths: map[string]map[string]any{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(resource, root); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	d.root, _ = root.(map[string]any)
	for path, item := range object(d.root["paths"]) {
		d.paths[path] = object(item)
	}
	if len(d.paths) == 0 {
		return nil, errors.New("the description has no paths")
	}
	return d, nil
}

// object is v where it is one, else nil, from which anything can be read.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// schema compiles what is at a JSON pointer.
func (d *Description) schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.schemas[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(resource + "#" + pointer)
	if err != nil {
		return nil, fmt.Errorf("compile the schema at %s: %w", pointer, err)
	}
	d.schemas[pointer] = s
	return s, nil
}

// resolve follows a reference, as far as there is one.
func (d *Description) resolve(pointer string, v any) (at string, o map[string]any) {
	o = object(v)
	ref, ok := o["$ref"].(string)
	if !ok {
		return pointer, o
	}
	at = strings.TrimPrefix(ref, "#")
	var node any = d.root
	for token := range strings.SplitSeq(strings.TrimPrefix(at, "/"), "/") {
		node = object(node)[unescape(token)]
	}
	return at, object(node)
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

func unescape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// route finds the path of the description that an escaped path is one of; "" is
// none. What is spelled out wins over a parameter.
func (d *Description) route(path string) string {
	given := strings.Split(path, "/")
	best, fixed := "", -1
	for _, template := range slices.Sorted(maps.Keys(d.paths)) {
		if n := matches(strings.Split(template, "/"), given); n > fixed {
			best, fixed = template, n
		}
	}
	return best
}

// matches counts the segments that are spelled out; -1 is another path.
func matches(template, given []string) (fixed int) {
	if len(template) != len(given) {
		return -1
	}
	for i, segment := range template {
		switch {
		case segment == given[i]:
			fixed++
		case !strings.HasPrefix(segment, "{") || given[i] == "":
			return -1
		}
	}
	return fixed
}

// Strict closes the schemas of answers: what they do not describe they refuse.
func Strict(raw []byte) ([]byte, error) {
	var root map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	c := closer{root: &Description{root: root}, seen: map[string]bool{}}
	for _, item := range object(root["paths"]) {
		for _, op := range object(item) {
			for _, r := range object(object(op)["responses"]) {
				_, response := c.root.resolve("", r)
				for _, content := range object(response["content"]) {
					c.shut(object(content)["schema"], false)
				}
			}
		}
	}
	return json.Marshal(root)
}

type closer struct {
	root *Description
	seen map[string]bool
}

// shut closes a schema and what it is made of. A part of an allOf knows only its
// own fields, so it stays open unless it is a schema with a name.
func (c *closer) shut(v any, part bool) {
	s := object(v)
	if s == nil {
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		if !c.seen[ref] {
			c.seen[ref] = true
			_, target := c.root.resolve("", s)
			c.shut(target, false)
		}
		return
	}
	properties := object(s["properties"])
	if _, said := s["additionalProperties"]; properties != nil && !said && !part {
		s["additionalProperties"] = false
	}
	for _, p := range properties {
		c.shut(p, false)
	}
	c.shut(s["items"], false)
	c.shut(s["additionalProperties"], false)
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		all, _ := s[keyword].([]any)
		for _, one := range all {
			c.shut(one, keyword == "allOf")
		}
	}
}
