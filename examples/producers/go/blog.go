package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/outbox"
)

type post struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
}

type blog struct{ pool *pgxpool.Pool }

// store stores a post and publishes it, both or neither.
func (b *blog) store(ctx context.Context, title string) (p post, err error) {
	p.Title = title
	err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "INSERT INTO posts (title) VALUES ($1) RETURNING id", title).Scan(&p.ID); err != nil {
			return err
		}
		// Events of one post reach each endpoint in their order.
		_, err := outbox.Dispatch(ctx, tx, "post.created", p, client.WithOrderingKey(fmt.Sprintf("post-%d", p.ID)))
		return err
	})
	return p, err
}

func (b *blog) create(w http.ResponseWriter, r *http.Request) {
	var in struct{ Title string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil || in.Title == "" {
		http.Error(w, `want {"title":"…"}`, http.StatusUnprocessableEntity)
		return
	}
	p, err := b.store(r.Context(), in.Title)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "23505": // unique_violation
		http.Error(w, "there is a post of this title", http.StatusConflict)
	case client.CodeOf(err) == client.CodeTooLarge:
		http.Error(w, "the post is too large to be published", http.StatusRequestEntityTooLarge)
	case err != nil:
		log.Print(err)
		http.Error(w, "the post is not stored", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if err := json.NewEncoder(w).Encode(p); err != nil {
			log.Print(err)
		}
	}
}
