// Command receiver receives Postrider's webhooks, with nothing but the standard
// library and the package that Postrider signs with:
//
//	WEBHOOK_SECRET=whsec_… WEBHOOK_INBOX=/var/lib/webhooks PORT=4000 go run .
//
// It verifies, notes the event, answers, and handles it then. What is noted when
// the process dies is handled by the next one.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postrider/postrider/signature"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	inbox, err := openInbox(cmp.Or(os.Getenv("WEBHOOK_INBOX"), "inbox"))
	if err != nil {
		return err
	}
	// Of the endpoint's secret while it rotates: both, with a comma between them.
	// No secret is an error, so that a variable that is not set lets nobody in.
	verified, err := signature.Middleware(signature.Config{Secrets: strings.Split(os.Getenv("WEBHOOK_SECRET"), ","), Scheme: signature.SchemeStandard})
	if err != nil {
		return fmt.Errorf("WEBHOOK_SECRET: %w", err)
	}
	server := &http.Server{
		Addr:              net.JoinHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "4000")),
		Handler:           verified(receive(inbox)),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
	}
	var worker sync.WaitGroup
	worker.Go(func() { inbox.run(ctx, handle) })
	defer worker.Wait()
	defer stop() // also where the server ends by itself
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Shutdown(context.WithoutCancel(ctx)) // what is being answered is answered
	}
}

// receive notes what the middleware has verified. Of the answers to requests that it
// refused, 401 is for a wrong signature and an old timestamp.
func receive(inbox *inbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(r.Body) // bounded by the middleware
		if err == nil {
			err = inbox.note(r.Header.Get(signature.HeaderStandardID), body) // what X-Webhook-ID says, but signed
		}
		if err != nil {
			log.Print(err)
			w.WriteHeader(http.StatusInternalServerError) // it comes again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// handle does the work, and may take its time over it: the answer has been given.
func handle(ctx context.Context, body []byte) error {
	var event struct{ ID, Type string }
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	work, err := time.ParseDuration(cmp.Or(os.Getenv("WORK_MS"), "0") + "ms") // your work
	if err != nil {
		return err
	}
	select {
	case <-time.After(work):
	case <-ctx.Done():
		return ctx.Err()
	}
	fmt.Println("handled", event.Type, event.ID)
	return nil
}
