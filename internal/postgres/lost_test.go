package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// proxy stands between a DB and Postgres. It swallows the answer that ends a
// transaction that wrote, and cuts the connection, once it is armed; with last
// it takes no other from then on, and with silent it cuts nothing.
type proxy struct{ armed, last, gone, silent atomic.Bool }

// behind opens a DB whose connections go through a proxy.
func (s *stage) behind() (*postgres.DB, *proxy) {
	s.t.Helper()
	cfg, err := pgx.ParseConfig(s.url)
	must(s.t, err)
	network, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	p := &proxy{}
	s.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			if p.gone.Load() {
				client.Close()
				continue
			}
			go p.carry(client, network, address)
		}
	}()
	u, err := url.Parse(s.url)
	must(s.t, err)
	u.Host, u.RawQuery = listener.Addr().String(), "sslmode=disable"
	far := *s
	far.url = u.String()
	return far.open(oneKey), p
}

func (p *proxy) carry(client net.Conn, network, address string) {
	defer client.Close()
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		for buf := make([]byte, 64<<10); ; {
			n, err := client.Read(buf)
			if _, writeErr := server.Write(buf[:n]); errors.Join(err, writeErr) != nil {
				return
			}
		}
	}()
	p.answer(client, server)
}

// idle is how Postgres says that a transaction is over; before that it said what
// each of its statements did.
var idle = []byte("Z\x00\x00\x00\x05I")

func (p *proxy) answer(client, server net.Conn) {
	var said []byte // since the last transaction
	for buf := make([]byte, 64<<10); ; {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if said = append(said, buf[:n]...); bytes.HasSuffix(said, idle) {
			wrote := bytes.Contains(said, []byte("INSERT 0 ")) || bytes.Contains(said, []byte("COMMIT"))
			if wrote && p.armed.CompareAndSwap(true, false) {
				p.gone.Store(p.last.Load())
				if p.silent.Load() {
					_, _ = io.Copy(io.Discard, server) // until the client has gone
				}
				return
			}
			said = nil
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestCommitWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	made := webhook.NewID(time.Now()).Format(webhook.EventPrefix)
	for name, ids := range map[string][]string{
		"Generated": {"", ""}, "Own": {"x", ""}, "WithADuplicate": {"before", "x"}, "MadeForARequest": {made, ""},
	} {
		t.Run(name+"IsStoredOnce", func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.commits(s.db, s.groupOf("before"))
			far, p := s.behind()
			p.armed.Store(true)
			g := s.groupOf(ids...)
			dups := s.commits(far, g)
			if p.armed.Load() {
				t.Fatal("no answer was swallowed")
			}
			if _, ok := dups[g.Events[0].ID]; ok != (ids[0] == "before") || len(dups) > 1 {
				t.Errorf("duplicates: %v", dups)
			}
			s.wantStored(1 + len(ids) - len(dups))
		})
	}

	t.Run("AnIDMadeForARequestIsStoredOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first := s.groupOf(made)
		s.commits(s.db, first)
		again := s.groupOf("", made)
		if dups := s.commits(s.db, again); len(dups) != 1 || dups[again.Events[1].ID].ID != first.Events[0].ID {
			t.Errorf("duplicates: %v", dups)
		}
		s.wantStored(2)
	})

	t.Run("AndThatTimeRanOutForIsStoredOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		far, p := s.behind()
		_, _, err := postgres.NewIngest(far).Versions(t.Context(), []webhook.WorkspaceID{"w"}) // it is connected
		must(t, err)
		p.armed.Store(true)
		p.silent.Store(true)
		g := s.groupOf("", "x")
		g.MadeAt = time.Now().Add(-3 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond) // then it is too late for the ids
		defer cancel()
		dups, err := postgres.NewIngest(far).Commit(ctx, g)
		must(t, err)
		if p.armed.Load() || len(dups) > 0 {
			t.Errorf("duplicates: %v, or no answer was swallowed", dups)
		}
		s.wantStored(2)
	})

	t.Run("ThatWasNoneIsNotMadeTooLate", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		tx, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), "LOCK TABLE events IN SHARE MODE") // which the first try waits for to its end
		must(t, err)
		g := s.groupOf("", "x")
		g.MadeAt = time.Now().Add(-3 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		time.AfterFunc(3*time.Second, func() { _ = tx.Rollback(context.Background()) })
		_, err = postgres.NewIngest(s.db).Commit(ctx, g)
		wantCode(t, err, webhook.CodeUnavailable)
		if !strings.Contains(fmt.Sprint(err), "PR001") {
			t.Errorf("it was refused for another reason: %v", err)
		}
		s.wantStored(0)
	})

	t.Run("AndWhosePostgresIsGoneIsUnavailable", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		far, p := s.behind()
		p.armed.Store(true)
		p.last.Store(true)
		_, err := postgres.NewIngest(far).Commit(t.Context(), s.groupOf("x"))
		wantCode(t, err, webhook.CodeUnavailable)
		s.wantStored(1) // it was committed all the same: the caller's retry is a duplicate
		if dups := s.commits(s.db, s.groupOf("x")); len(dups) != 1 {
			t.Errorf("duplicates: %v", dups)
		}
	})
}
