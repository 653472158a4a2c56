package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// profile is a deployment that the configuration file knows.
type profile struct {
	URL       string `toml:"url"`
	Key       string `toml:"key,omitempty"`
	Workspace string `toml:"workspace,omitempty"`
}

// config is the configuration file. It holds keys, so it is its owner's alone.
type config struct {
	// Current is the profile in use.
	Current  string             `toml:"current,omitempty"`
	Profiles map[string]profile `toml:"profiles,omitempty"`
	path     string
}

func configPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration file: %w", err)
	}
	return filepath.Join(dir, "postrider", "config.toml"), nil
}

// loadConfig reads the file. One that is not there is an empty one.
func loadConfig() (config, error) {
	path, err := configPath()
	if err != nil {
		// A machine without a home has no profiles.
		return config{}, nil //nolint:nilerr // see above
	}
	c := config{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, withCode(err, ExitUsage)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return c, usageError(fmt.Sprintf("%s has keys in it and others may read or change it (mode %04o): chmod 600 %[1]s", path, info.Mode().Perm()))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, withCode(err, ExitUsage)
	}
	d := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		// Not the decoder's own text: it may show the line, with a key in it.
		return c, usageError(fmt.Sprintf("%s can't be read%s", path, place(err)))
	}
	return c, nil
}

// place says where in a file an error is.
func place(err error) string {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		return fmt.Sprintf(": %s is not known (a profile has url, key and workspace)", strings.Join(unknown.Errors[0].Key(), "."))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, _ := wrong.Position()
		return fmt.Sprintf(": line %d is wrong", line)
	}
	return ""
}

// save writes the file whole, or leaves it as it was.
func (c *config) save() error {
	if c.path == "" {
		return errors.New("there is no place for a configuration file: HOME is not set")
	}
	raw, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeWhole(c.path, raw)
}

// writeWhole puts a file in another's place, so that there is always one or the other.
func writeWhole(path string, raw []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".postrider-*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(raw)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// target is a profile's, or that of the one in use when name is empty.
func (c *config) target(name string) (target, error) {
	if name == "" {
		if name = c.Current; name == "" {
			return target{}, nil
		}
	}
	p, ok := c.Profiles[name]
	if !ok {
		return target{}, usageError(c.unknown(name))
	}
	return target{url: cmp.Or(p.URL, defaultURL), key: p.Key, workspace: p.Workspace, profile: name}, nil
}

func (c *config) names() []string { return slices.Sorted(maps.Keys(c.Profiles)) }

func (c *config) unknown(name string) string {
	text := fmt.Sprintf("there is no profile %q", name)
	if near := nearest(name, c.names()); near != "" {
		return text + fmt.Sprintf("; did you mean %q?", near)
	}
	return text + ": `postrider profiles list` shows them, `postrider profiles add` makes one"
}
