package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that the pages load.
type asset struct {
	kind string
	body []byte
}

// assets are by the name they are served under, which changes with what is in them:
// a browser may keep them for good, and has no old one after an update.
type assets struct {
	served map[string]asset
	named  map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{map[string]asset{}, map[string]string{}}
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("read the console's assets: %w", err)
	}
	for _, f := range files {
		body, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read the console's asset %s: %w", f.Name(), err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.named[f.Name()] = name
		a.served[name] = asset{kindOf(ext), body}
	}
	return a, nil
}

// kindOf is the media type; a licence is text.
func kindOf(ext string) string {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css", ".svg":
		return mime.TypeByExtension(ext)
	}
	return "text/plain; charset=utf-8"
}

// path is where a file is.
func (a *assets) path(name string) (string, error) {
	served, ok := a.named[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return consoleBase + "/assets/" + served, nil
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.served[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	_, _ = w.Write(f.body) // fails only when the reader is gone
}
