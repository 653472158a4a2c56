package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

// sealedSecrets are an endpoint's encrypted columns.
type sealedSecrets struct {
	secret, next []byte
	nextAt       pgtype.Timestamptz
	headers      []byte
}

// unseal fills in an endpoint's secrets and custom headers.
func (s *Deliver) unseal(e *webhook.Endpoint, from sealedSecrets) error {
	plain, err := s.db.seal.open(e.ID, from.secret)
	if err != nil {
		return fmt.Errorf("secret of endpoint %s: %w", e.ID, err)
	}
	e.Secret = string(plain)
	if from.next != nil {
		if plain, err = s.db.seal.open(e.ID, from.next); err != nil {
			return fmt.Errorf("next secret of endpoint %s: %w", e.ID, err)
		}
		e.NextSecret, e.NextSecretAt = string(plain), timePtr(from.nextAt)
	}
	if from.headers == nil {
		return nil
	}
	if plain, err = s.db.seal.open(e.ID, from.headers); err != nil {
		return fmt.Errorf("headers of endpoint %s: %w", e.ID, err)
	}
	if err := json.Unmarshal(plain, &e.Headers); err != nil {
		return fmt.Errorf("headers of endpoint %s: %w", e.ID, err)
	}
	return nil
}

// sealNext is NULL unless secrets rotate.
func (s *Endpoints) sealNext(e *webhook.Endpoint) (secret []byte, at pgtype.Timestamptz, err error) {
	if e.NextSecretAt == nil {
		return nil, at, nil
	}
	secret, err = s.db.seal.seal(e.ID, []byte(e.NextSecret))
	return secret, pgTime(*e.NextSecretAt), err
}
