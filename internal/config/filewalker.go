package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileWalker collects the values of known keys and complains about all else,
// empty sections of unknown names included, which a merged map would not show.
type fileWalker struct {
	name  string
	layer layer
	errs  []error
}

func (w *fileWalker) section(prefix string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], resolve(node.Content[i+1])
		w.entry(prefix+key.Value, key.Line, value)
	}
}

func (w *fileWalker) entry(key string, line int, value *yaml.Node) {
	switch {
	case find(key) != nil:
		w.value(key, line, value)
	case !isSection(key):
		w.fail(key, line, "unknown key%s", didYouMean("", key, append(sections(), keys()...)))
	case value.Kind == yaml.MappingNode:
		w.section(key+".", value)
	case !isNull(value):
		w.fail(key, line, "must be a section of keys, not a value")
	}
}

func (w *fileWalker) value(key string, line int, node *yaml.Node) {
	if isNull(node) {
		return
	}
	if _, twice := w.layer.values[key]; twice {
		w.fail(key, line, "is given twice")
		return
	}
	raw, ok := rawValue(node)
	if !ok {
		w.fail(key, line, "must be a value or a list of values")
		return
	}
	w.layer.put(key, raw, w.at(line))
}

func (w *fileWalker) fail(key string, line int, format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf("%s: %s (%s)", key, fmt.Sprintf(format, args...), w.at(line)))
}

func (w *fileWalker) at(line int) string { return fmt.Sprintf("%s line %d", w.name, line) }

func rawValue(node *yaml.Node) (any, bool) {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Value, true
	case yaml.SequenceNode:
		items := make([]string, 0, len(node.Content))
		for _, item := range node.Content {
			item = resolve(item)
			if item.Kind != yaml.ScalarNode {
				return nil, false
			}
			items = append(items, item.Value)
		}
		return items, true
	}
	return nil, false
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

// sections are the words before the dot, in the table's order.
func sections() []string {
	var out []string
	for _, key := range keys() {
		section, _, _ := strings.Cut(key, ".")
		if len(out) == 0 || out[len(out)-1] != section {
			out = append(out, section)
		}
	}
	return out
}

func isSection(key string) bool { return slices.Contains(sections(), key) }
