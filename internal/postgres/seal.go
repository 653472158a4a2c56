package postgres

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/postrider/postrider/internal/webhook"
)

// ErrSealed says that a secret can't be decrypted with the keys at hand: this
// process is older than the key. The delivery is postponed, not failed.
var ErrSealed = errors.New("no key in secrets.key decrypts it")

// sealer encrypts secrets at rest with AES-256-GCM. A sealed value is the key's
// id (4 bytes of its SHA-256), the nonce and the ciphertext; the endpoint's id
// is additional data, so a value moved to another row does not open.
type sealer struct {
	newest keyID
	aeads  map[keyID]cipher.AEAD
	// hashKeys are made of the same keys, for what is not decrypted but compared.
	hashKeys map[keyID][]byte
}

type keyID [4]byte

func newSealer(keys [][]byte) (*sealer, error) {
	s := &sealer{aeads: make(map[keyID]cipher.AEAD, len(keys)), hashKeys: make(map[keyID][]byte, len(keys))}
	for i, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("secrets.key: key %d has %d bytes, not 32", i+1, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("secrets.key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("secrets.key: %w", err)
		}
		sum := sha256.Sum256(key)
		id := keyID(sum[:4])
		s.aeads[id], s.hashKeys[id] = aead, hashKey(key)
		if i == 0 {
			s.newest = id
		}
	}
	return s, nil
}

func (s *sealer) seal(endpoint webhook.ID, plain []byte) ([]byte, error) {
	aead := s.aeads[s.newest]
	if aead == nil {
		return nil, errors.New("secrets.key is not set")
	}
	out := make([]byte, 0, len(s.newest)+len(plain)+aead.Overhead())
	out = append(out, s.newest[:]...)
	return aead.Seal(out, nil, plain, endpoint[:]), nil
}

func (s *sealer) open(endpoint webhook.ID, sealed []byte) ([]byte, error) {
	if len(sealed) < len(keyID{}) {
		return nil, ErrSealed
	}
	aead := s.aeads[keyID(sealed[:4])]
	if aead == nil {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, nil, sealed[4:], endpoint[:])
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
