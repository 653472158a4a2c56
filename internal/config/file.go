package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// DefaultFile is read from the working directory if it is there.
const DefaultFile = "postrider.yaml"

// layer is one source's raw values: a string or a []string for each key.
type layer struct {
	values map[string]any
	// from names where each key's value stands, for messages.
	from map[string]string
}

func newLayer() layer {
	return layer{values: map[string]any{}, from: map[string]string{}}
}

func (l layer) put(key string, raw any, from string) {
	l.values[key], l.from[key] = raw, from
}

// anchorName finds the only piece of a value in the messages of the YAML package:
// a key such as *abc that somebody forgot to quote is read as an alias.
var anchorName = regexp.MustCompile(`(unknown anchor) '.*' referenced`)

// readFile reads the file that --config names, or DefaultFile in dir, which may
// be absent.
func readFile(dir, named string) (layer, error) {
	path := named
	if named == "" {
		path = filepath.Join(dir, DefaultFile)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return newLayer(), nil
	}
	if err != nil {
		return layer{}, fmt.Errorf("read configuration: %w", err)
	}
	l, err := parseFile(filepath.Base(path), text)
	if err != nil {
		return layer{}, fmt.Errorf("read configuration %s: %w", path, err)
	}
	return l, nil
}

// parseFile reads YAML to the letter: scalars stay as they are written, so that
// 010 or yes mean the same in a file as in a variable.
func parseFile(name string, text []byte) (layer, error) {
	w := fileWalker{name: name, layer: newLayer()}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // nothing but comments
		return w.layer, nil
	case err != nil:
		return layer{}, errors.New(anchorName.ReplaceAllString(err.Error(), "$1; quote a value that starts with *"))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return layer{}, errors.New("must be a single YAML document")
	}
	root := resolve(document.Content[0])
	if root.Kind != yaml.MappingNode && !isNull(root) {
		return layer{}, errors.New("must be a YAML mapping of sections, such as worker: {concurrency: 512}")
	}
	w.section("", root)
	return w.layer, errors.Join(w.errs...)
}
