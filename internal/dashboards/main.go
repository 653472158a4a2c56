// Command dashboards writes Grafana's dashboards into a directory, as make
// dashboards does.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// boards are all there are.
func boards() []board { return []board{overview(), workers(), apis(), endpoints(), storage()} }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboards directory")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	for _, b := range boards() {
		raw, err := b.encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, b.uid+".json"), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *board) encode() ([]byte, error) {
	d, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", b.uid, err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // a query has < and >, and people read the diff
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode %s: %w", b.uid, err)
	}
	return out.Bytes(), nil
}
