// Command blog publishes with the outbox: a post and its webhook are one commit.
//
//	DATABASE_URL=postgres://… POSTRIDER_URL=http://127.0.0.1:8080 POSTRIDER_KEY=pr_… PORT=5000 go run .
//	curl -d '{"title":"My Blog Post"}' 127.0.0.1:5000/posts
//
// Postrider may be away meanwhile, and the program may be killed at any moment: every
// post that is stored is published, once, and no other.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/outbox"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer pool.Close()
	if err := migrate(ctx, pool); err != nil {
		return err
	}

	// The relay: in this process, or in one of its own. Of several, one works.
	c := client.New(cmp.Or(os.Getenv("POSTRIDER_URL"), "http://127.0.0.1:8080"), os.Getenv("POSTRIDER_KEY"))
	relay := outbox.NewRelay(pool, c, outbox.Config{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	var relaying sync.WaitGroup
	relaying.Go(func() {
		if err := relay.Run(ctx); err != nil {
			log.Print(err)
		}
	})
	defer relaying.Wait()
	defer stop() // also where the server ends by itself

	blog := &blog{pool}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /posts", blog.create)
	return serve(ctx, &http.Server{
		Addr:              net.JoinHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "5000")),
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
	})
}

// migrate makes the blog's table and the outbox. With a tool for migrations give it what
// outbox.Schema returns instead.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, "CREATE TABLE IF NOT EXISTS posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL UNIQUE)")
	return errors.Join(err, outbox.Migrate(ctx, pool))
}

// serve serves until ctx ends, and answers what is being asked then.
func serve(ctx context.Context, server *http.Server) error {
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Shutdown(context.WithoutCancel(ctx))
	}
}
