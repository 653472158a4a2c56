package stack

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// noteSources looks at all that the programs may be made of. go test keeps results
// for as long as the test and the files that it looked at are the same; of what a
// child of the test reads it knows nothing, and would tell the result of programs
// that are changed since.
func noteSources() (root string, err error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	root = filepath.Dir(strings.TrimSpace(string(mod)))
	return root, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == filepath.Join(root, "bin") || strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".sql", ".lua", ".mod", ".sum", ".html", ".js", ".css", ".json", ".md":
			_, err = os.Stat(path) // which go test notes
		}
		return err
	})
}
