package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/postrider/postrider/internal/webhook"
)

const workspaceHeader = "X-Workspace-ID"

// keyTTL is how long the answer to "who has this key?" is believed. A revoked
// key fails within 2 s on every process.
const keyTTL = time.Second

// maxCachedKeys bounds the cache; a flood of made-up keys only turns it over.
const maxCachedKeys = 10_000

// caller is whose key came with a request.
type caller struct {
	admin bool
	key   webhook.Key // set unless admin
	// endpoint is whose secret came in place of a key; of key only the workspace is
	// set then.
	endpoint webhook.ID
	// within: the request comes from the console, whose caller is signed in; portal: to
	// the portal, and key.ID is the link's.
	within, portal bool
}

// id tells callers apart, for rates.
func (c caller) id() webhook.ID {
	if !c.endpoint.IsZero() {
		return c.endpoint
	}
	return c.key.ID
}

// authenticator knows keys. It may be used by many goroutines.
type authenticator struct {
	adminHash [sha256.Size]byte
	keys      Keys
	now       func() time.Time
	cache     *lru.Cache[[sha256.Size]byte, cachedKey]
	lookups   singleflight.Group
}

type cachedKey struct {
	key   webhook.Key
	err   error // nil or not_found
	asked time.Time
}

func newAuthenticator(adminHash [sha256.Size]byte, keys Keys, now func() time.Time) *authenticator {
	cache, err := lru.New[[sha256.Size]byte, cachedKey](maxCachedKeys)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &authenticator{adminHash: adminHash, keys: keys, now: now, cache: cache}
}

// bearerKey is the key that the request carries.
func bearerKey(r *http.Request) (key string, err error) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", webhook.Errorf(webhook.CodeUnauthorized, "send the key as Authorization: Bearer <key>")
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	key = strings.Trim(key, " \t") // not what else Unicode takes for space
	if !ok || !strings.EqualFold(scheme, "Bearer") || key == "" {
		return "", webhook.Errorf(webhook.CodeUnauthorized, "send the key as Authorization: Bearer <key>")
	}
	return key, nil
}

// caller finds out whose key it is.
func (a *authenticator) caller(ctx context.Context, key string) (caller, error) {
	// Hashes compare in constant time whatever the lengths, and the key itself
	// is kept nowhere.
	hash := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(hash[:], a.adminHash[:]) == 1 {
		return caller{admin: true}, nil
	}
	if !looksLikeKey(key) {
		return caller{}, wrongKey()
	}
	found, err := a.find(ctx, hash)
	if err != nil {
		return caller{}, err
	}
	return caller{key: found}, nil
}

func wrongKey() error {
	return webhook.Errorf(webhook.CodeUnauthorized, "the key is wrong or was revoked")
}

// looksLikeKey keeps what can't be a key away from the database.
func looksLikeKey(s string) bool {
	text, ok := strings.CutPrefix(s, webhook.APIKeyPrefix)
	return ok && len(text) == 32 && webhook.ValidEventID(text)
}

func (a *authenticator) find(ctx context.Context, hash [sha256.Size]byte) (webhook.Key, error) {
	if c, ok := a.cache.Get(hash); ok && a.now().Sub(c.asked) < keyTTL {
		return c.key, c.err
	}
	// One look-up serves all who wait for the same key. It outlives the request
	// that happened to come first.
	result := a.lookups.DoChan(string(hash[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		c := cachedKey{asked: a.now()} // before asking: never believed for longer than keyTTL
		c.key, c.err = a.keys.ByHash(ctx, hash[:])
		if webhook.CodeOf(c.err) == webhook.CodeNotFound {
			c.err = wrongKey()
		} else if c.err != nil {
			return c, c.err
		}
		a.cache.Add(hash, c)
		return c, nil
	})
	select {
	case <-ctx.Done():
		return webhook.Key{}, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return webhook.Key{}, r.Err
		}
		c, _ := r.Val.(cachedKey)
		return c.key, c.err
	}
}
