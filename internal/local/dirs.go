package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// CacheDir is where what can be fetched or made again is kept: postrider in the
// user's cache directory; for root /var/cache/postrider, because the user that
// Postgres runs as can't look into root's home.
func CacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/postrider", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(dir, "postrider"), nil
}

// DefaultDataDir is where dev keeps its data: a directory of its own for each
// working directory, so that two checkouts never share data, but outside of it,
// so that nothing has to be ignored there. It is below $XDG_DATA_HOME/postrider
// (~/.local/share/postrider), for root below /var/lib/postrider.
func DefaultDataDir() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	base, err := dataHome()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "postrider", dirName(wd)), nil
}

func dataHome() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home directory: %w", err)
	}
	return filepath.Join(home, ".local", "share"), nil
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// dirName is a short name for a directory that tells people which it is and
// differs for each.
func dirName(wd string) string {
	name := unsafeName.ReplaceAllString(filepath.Base(wd), "")
	if len(name) > 20 {
		name = name[:20]
	}
	return "dev-" + name + "-" + shortHash(wd)
}

// shortHash is 8 hex digits that stand for a path.
func shortHash(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:4])
}
