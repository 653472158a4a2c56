package postgres

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/postrider/postrider/internal/webhook"
)

// hashKeyFor tells the keys that hash requests from those that encrypt.
const hashKeyFor = "postrider idempotency request"

// hashKey is made of an encryption key.
func hashKey(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(hashKeyFor))
	return h.Sum(nil)
}

// requestHash is what is stored of a request under an idempotency key: the id of
// the newest of secrets.key, and an HMAC. Who has the database alone can test no
// guesses of what was in a request, nor see that two are alike.
func (s *sealer) requestHash(k webhook.IdempotencyKey, digest []byte) ([]byte, error) {
	return s.requestHashBy(s.newest, k, digest)
}

func (s *sealer) requestHashBy(id keyID, k webhook.IdempotencyKey, digest []byte) ([]byte, error) {
	key := s.hashKeys[id]
	if key == nil {
		return nil, ErrSealed
	}
	h := hmac.New(sha256.New, key)
	for _, part := range []string{string(k.WorkspaceID), k.Route, k.Key} {
		h.Write([]byte(part))
		h.Write([]byte{0}) // in none of them
	}
	h.Write(digest)
	return h.Sum(id[:]), nil
}

// sameRequest says whether the stored hash, made under any of the keys, is of the
// request. It is ErrSealed where its key is none of them.
func (s *sealer) sameRequest(stored []byte, k webhook.IdempotencyKey, digest []byte) (bool, error) {
	if len(stored) == sha256.Size {
		return hmac.Equal(stored, digest), nil // old release: it kept the digest
	}
	if len(stored) < len(keyID{}) {
		return false, ErrSealed
	}
	hash, err := s.requestHashBy(keyID(stored[:len(keyID{})]), k, digest)
	return hmac.Equal(stored, hash), err
}
