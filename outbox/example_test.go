package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/outbox"
)

// post is the payload of these examples.
type post struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
}

// The row and its webhook commit together, or neither does.
func ExampleDispatch() {
	ctx := context.Background()
	var pool *pgxpool.Pool // yours

	p := post{Title: "My Blog Post"}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "INSERT INTO posts (title) VALUES ($1) RETURNING id", p.Title).Scan(&p.ID)
		if err != nil {
			return err
		}
		_, err = outbox.Dispatch(ctx, tx, "post.created", p, client.WithOrderingKey(fmt.Sprintf("post-%d", p.ID)))
		return err
	})
	if err != nil {
		log.Print(err)
	}
}

func ExampleNewRelay() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Print(err)
		return
	}
	if err := outbox.Migrate(ctx, pool); err != nil {
		log.Print(err)
		return
	}
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))
	relay := outbox.NewRelay(pool, c, outbox.Config{Logger: slog.Default()})
	if err := relay.Run(ctx); err != nil { // until ctx ends
		log.Print(err)
	}
}

// What Postrider refused is looked through, and sent again or given up.
func ExampleFailed() {
	ctx := context.Background()
	var pool *pgxpool.Pool // yours

	failed, err := outbox.Failed(ctx, pool, 100)
	if err != nil {
		log.Print(err)
		return
	}
	for _, f := range failed {
		fmt.Println(f.ID, f.Type, f.Error)
		if strings.HasPrefix(f.Type, "draft.") {
			_, err = outbox.Discard(ctx, pool, f.ID)
		} else {
			_, err = outbox.Retry(ctx, pool, f.ID)
		}
		if err != nil {
			log.Print(err)
		}
	}
}

// Any library that runs SQL in a transaction will do.
func ExampleStatement() {
	ctx := context.Background()
	var tx *sql.Tx // yours

	id, statement, args, err := outbox.Statement("post.created", post{ID: 123})
	if err == nil {
		_, err = tx.ExecContext(ctx, statement, args...)
	}
	fmt.Println(id, err)
}

func ExampleMeasure() {
	ctx := context.Background()
	var pool *pgxpool.Pool // yours

	b, err := outbox.Measure(ctx, pool)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(b.Waiting, "wait, the first since", b.Oldest, "and", b.Failed, "were refused")
}

// What a tool for migrations gets, for a table in a schema of its own.
func ExampleTable() {
	for _, m := range outbox.Table("blog.outbox").Migrations() {
		fmt.Println(m.Version, strings.Contains(m.SQL, `CREATE TABLE IF NOT EXISTS "blog"."outbox" (`))
	}
	// Output: 1 true
}
