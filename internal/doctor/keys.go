package doctor

import (
	"fmt"
	"slices"
)

const (
	makeKey   = "openssl rand -base64 32"
	minAdmin  = 16 // characters, below which a key is guessed
	goodAdmin = 32
	// minVaried is how many different bytes a key has at least: 32 random ones have
	// fewer than 20 once in a billion.
	minVaried = 16
)

func (d *Doctor) lookAtKeys() {
	d.lookAtAdminKey()
	d.lookAtSecretsKey()
}

func (d *Doctor) lookAtAdminKey() {
	const check, set = "api.admin_key", "POSTRIDER_API_ADMIN_KEY=$(" + makeKey + ")"
	switch key := d.cfg.AdminKey; {
	case key == "":
		d.bad(Fail, check, "it is not set: the API does not start", set, "")
	case key == d.cfg.DevAdminKey:
		d.bad(Fail, check, "it is the one of postrider dev, which everybody knows", set, "")
	case len(key) < minAdmin || varied([]byte(key)) < minAdmin/3:
		d.bad(Fail, check, fmt.Sprintf("it has %d characters, %d of them different: it can be guessed, and may do everything", len(key), varied([]byte(key))), set, "")
	case len(key) < goodAdmin:
		d.bad(Warn, check, fmt.Sprintf("it has %d characters only, and may do everything", len(key)), set, "")
	default:
		d.ok(check, "it has %d characters", len(key))
	}
}

func (d *Doctor) lookAtSecretsKey() {
	const check, set = "secrets.key", "POSTRIDER_SECRETS_KEY=$(" + makeKey + ")"
	const rotate = "put the new key in front of the old one, run postrider secrets rotate, then take the old one away"
	keys := d.cfg.Keys
	if len(keys) == 0 {
		d.bad(Fail, check, "it is not set: the API and the worker do not start", set, "keep it apart from the database's backups: without it they are worth nothing")
		return
	}
	before := len(d.findings)
	for i, key := range keys {
		switch {
		case varied(key) < minVaried:
			d.bad(Fail, check, fmt.Sprintf("key %d has %d different bytes of %d: it is not random", i+1, varied(key), len(key)), set, rotate)
		case isText(key):
			d.bad(Warn, check, fmt.Sprintf("key %d is text, not random bytes", i+1), set, rotate)
		}
		if slices.ContainsFunc(keys[:i], func(k []byte) bool { return slices.Equal(k, key) }) {
			d.bad(Warn, check, fmt.Sprintf("key %d is there twice", i+1), "", "take one of them away")
		}
	}
	switch {
	case len(d.findings) > before:
	case len(keys) > 1:
		d.ok(check, "%d keys, the first of which encrypts: after postrider secrets rotate the others can go", len(keys))
	default:
		d.ok(check, "one key of 32 random bytes")
	}
}

// varied is how many different bytes there are.
func varied(key []byte) int {
	sorted := slices.Sorted(slices.Values(key))
	return len(slices.Compact(sorted))
}

// isText: 32 random bytes are all printable once in 10^13.
func isText(key []byte) bool {
	return !slices.ContainsFunc(key, func(b byte) bool { return b < ' ' || b > '~' })
}
