package local

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// pack writes an archive as npm does.
func pack(t *testing.T, path string, files map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	zipped := gzip.NewWriter(f)
	w := tar.NewWriter(zipped)
	for name, content := range files {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}))
		_, err := w.Write([]byte(content))
		must(t, err)
	}
	must(t, w.Close())
	must(t, zipped.Close())
	must(t, f.Close())
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"RefusesAFileOutside": {"package/../../evil": "x"},
		"RefusesALinkOutside": {"package/native/pg-symlinks.json": `[{"source":"native/x","target":"../evil"}]`},
		"RefusesToWriteThroughALinkOutside": {
			"package/native/pg-symlinks.json": `[{"source":"../..","target":"native/up"},{"source":"native/x","target":"native/up/evil"}]`,
		},
		"RefusesABrokenLinkList": {"package/native/pg-symlinks.json": `{`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive := filepath.Join(dir, "package.tgz")
			pack(t, archive, files)
			if err := unpack(archive, filepath.Join(dir, "unpacked")); err == nil {
				t.Error("unpacked")
			}
			if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
				t.Error("wrote outside")
			}
		})
	}

	t.Run("RefusesWhatIsNoArchive", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "package.tgz")
		must(t, os.WriteFile(path, []byte("not an archive"), 0o600))
		if err := unpack(path, path+".d"); err == nil {
			t.Error("unpacked")
		}
	})
}
