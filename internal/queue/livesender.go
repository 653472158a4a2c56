package queue

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// LiveSender tells of a worker's attempts to those who watch their workspace. Once a
// second it asks Redis who that is; for a workspace that nobody watches it does
// nothing else. It never holds a delivery up: what there is no room for is left out,
// and counted.
type LiveSender struct {
	redis   *Redis
	logger  *slog.Logger
	watched atomic.Pointer[map[webhook.WorkspaceID]bool]
	in      chan liveItem

	mu      sync.Mutex
	leftOut map[webhook.WorkspaceID]int

	start  sync.Once
	cancel context.CancelFunc // nil before Start
	done   chan struct{}
}

type liveItem struct {
	ws webhook.WorkspaceID
	a  webhook.LiveAttempt
}

const (
	maxLiveWaiting = 1024
	// maxLiveBatch bounds a message; one that is as long as it can be has 300 KiB.
	maxLiveBatch = 128
	liveTimeout  = 2 * time.Second
)

// NewLiveSender makes one; Start runs it. A nil logger discards.
func NewLiveSender(r *Redis, logger *slog.Logger) *LiveSender {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &LiveSender{
		redis: r, logger: logger, in: make(chan liveItem, maxLiveWaiting), done: make(chan struct{}),
		leftOut: make(map[webhook.WorkspaceID]int),
	}
}

// Watched reports whether anybody watches a workspace, as of a second ago.
func (s *LiveSender) Watched(ws webhook.WorkspaceID) bool {
	watched := s.watched.Load()
	return watched != nil && (*watched)[ws]
}

// Tell passes an attempt on soon.
func (s *LiveSender) Tell(ws webhook.WorkspaceID, a webhook.LiveAttempt) {
	select {
	case s.in <- liveItem{ws, a}:
	default:
		s.leave(ws, 1)
	}
}

func (s *LiveSender) leave(ws webhook.WorkspaceID, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftOut[ws] += n
}

// Start asks who watches, from now on.
func (s *LiveSender) Start() {
	s.start.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		s.cancel = cancel
		go s.run(ctx)
	})
}

// Stop ends it. What was not told yet is not told.
func (s *LiveSender) Stop() {
	s.start.Do(func() { close(s.done) })
	if s.cancel != nil {
		s.cancel()
	}
	<-s.done
}

func (s *LiveSender) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	s.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.look(ctx)
		case first := <-s.in:
			s.send(ctx, s.gather(first))
		}
	}
}

// look finds out which workspaces are watched. While Redis does not say, it is those
// that were.
func (s *LiveSender) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	channels, err := s.redis.channels(ctx, livePrefix+"*")
	if err != nil {
		s.logger.Debug("redis does not say who watches attempts", "error", err)
		return
	}
	var watched map[webhook.WorkspaceID]bool
	for _, c := range channels {
		if watched == nil {
			watched = make(map[webhook.WorkspaceID]bool, len(channels))
		}
		watched[webhook.WorkspaceID(strings.TrimPrefix(c, livePrefix))] = true
	}
	s.watched.Store(&watched)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.leftOut, func(ws webhook.WorkspaceID, _ int) bool { return !watched[ws] })
}

// gather takes what waits, by workspace.
func (s *LiveSender) gather(first liveItem) map[webhook.WorkspaceID]*webhook.LiveAttempts {
	all := map[webhook.WorkspaceID]*webhook.LiveAttempts{first.ws: {Attempts: []webhook.LiveAttempt{first.a}}}
	for range maxLiveBatch - 1 {
		select {
		case next := <-s.in:
			batch := all[next.ws]
			if batch == nil {
				batch = &webhook.LiveAttempts{}
				all[next.ws] = batch
			}
			batch.Attempts = append(batch.Attempts, next.a)
		default:
			return all
		}
	}
	return all
}

func (s *LiveSender) send(ctx context.Context, all map[webhook.WorkspaceID]*webhook.LiveAttempts) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	for ws, batch := range all {
		s.mu.Lock()
		batch.LeftOut = s.leftOut[ws]
		delete(s.leftOut, ws)
		s.mu.Unlock()
		raw, err := encodeLive(batch)
		if err == nil {
			err = s.redis.client.Publish(ctx, livePrefix+string(ws), raw).Err()
		}
		if err != nil {
			s.leave(ws, batch.LeftOut+len(batch.Attempts))
			s.logger.Debug("attempts not told to those who watch", "attempts", len(batch.Attempts), "error", err)
		}
	}
}

// channels are those that somebody subscribed to. In a cluster every node knows its
// own subscribers only.
func (r *Redis) channels(ctx context.Context, pattern string) (all []string, err error) {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return r.client.PubSubChannels(ctx, pattern).Result()
	}
	var mu sync.Mutex
	err = cluster.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		some, err := node.PubSubChannels(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, some...)
		return err
	})
	return all, err
}
