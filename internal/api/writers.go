package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// rememberWrite is how long it is known when a caller changed something: longer than
// lists may lag behind.
const rememberWrite = time.Minute

// writers knows who changed something a moment ago, so that lists may be read from a
// replica and show everybody what they did themselves. nil knows nobody.
type writers struct {
	mu sync.Mutex
	// recent are those since began, before those of the time before that.
	recent, before map[writer]time.Time
	began          time.Time
}

// writer is a key in a workspace: the admin's is used in many.
type writer struct {
	caller    webhook.ID
	workspace webhook.WorkspaceID
}

// wrote notes a change that is committed.
func (ws *writers) wrote(r *request, now time.Time) {
	if ws == nil || r.http.Method == http.MethodGet {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if now.Sub(ws.began) >= rememberWrite {
		ws.recent, ws.before, ws.began = map[writer]time.Time{}, ws.recent, now
	}
	ws.recent[writer{r.caller, r.workspace}] = now
}

// reads makes lists under the context show what the caller did.
func (ws *writers) reads(ctx context.Context, r *request) context.Context {
	if ws == nil || r.http.Method != http.MethodGet {
		return ctx
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := writer{r.caller, r.workspace}
	at, ok := ws.recent[w]
	if !ok {
		at, ok = ws.before[w]
	}
	if !ok {
		return ctx
	}
	return webhook.WithSeen(ctx, at)
}
