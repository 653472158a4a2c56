// Package deliver makes the requests: guard, sign, send, classify, record,
// next. A first try and a retry are one path, and every outcome is in Postgres
// before a task counts as done.
package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// Rows is what a worker reads and changes of deliveries besides their outcomes.
type Rows interface {
	// Guard returns the standing of each delivery that exists.
	Guard(ctx context.Context, members []webhook.Member) (webhook.Standings, error)
	// HandOver gives deliveries held by the task of their entry to another holder
	// ("" is the scheduler's feed) and returns those it found so held.
	HandOver(ctx context.Context, members []webhook.Member, from, to string) ([]webhook.ID, error)
	// Park holds deliveries until the scheduler lets them go.
	Park(ctx context.Context, holds []webhook.Hold) error
	// Wait puts deliveries that the task holds back into their ordering key's line.
	Wait(ctx context.Context, members []webhook.Member, task string) error
	// BeginProbe says that an open breaker's probe is about to be made; false where
	// another took its place.
	BeginProbe(ctx context.Context, m webhook.Member) (bool, error)
	// Settle ends deliveries without an attempt, with the reason for readers.
	Settle(ctx context.Context, members []webhook.Member, task string, status webhook.Status, reason string) error
	// Promote makes an endpoint's next secret its only one, if the endpoint still
	// is at the version seen.
	Promote(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, seen int64) error
}

// Sources are what a request is made of.
type Sources interface {
	// Events returns the events with their bodies; one whose payload has expired
	// is missing.
	Events(ctx context.Context, members []webhook.Member) (map[webhook.ID]webhook.CarriedEvent, error)
	// Endpoints returns the endpoints with secrets and headers in the clear. One
	// that can't be decrypted comes with an error of its own.
	Endpoints(ctx context.Context, ids []webhook.ID) ([]webhook.Endpoint, map[webhook.ID]error, error)
}

// Outcomes is where results go.
type Outcomes interface {
	// Record writes a group of outcomes, each delivery at most once, and reports
	// for each whether it decided the delivery's state. An error with the code
	// invalid is final: some outcome can't be stored at all, and the others are.
	// After any other error the same group is given again, though some of it may
	// be stored already. Of an outcome with a turn it sets who has it next.
	Record(ctx context.Context, outcomes []webhook.Outcome) ([]bool, error)
	// Failing returns the endpoints whose last attempt failed, as far as any
	// worker has recorded it.
	Failing(ctx context.Context) ([]webhook.ID, error)
	// EndRuns ends endpoints' runs of failures whose breaker is not open.
	EndRuns(ctx context.Context, endpoints []webhook.ID) error
}

// Sender makes one request.
type Sender interface {
	Do(ctx context.Context, req webhook.Request) webhook.Response
}

// Retries is where a failed member of a chunk waits for its next attempt, and where
// those go whose turn it is after another.
type Retries interface {
	// Enqueue makes a task of each chunk, due now. With an error it returns those that
	// are not known to be there.
	Enqueue(ctx context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error)
	EnqueueAt(ctx context.Context, chunk webhook.Chunk, due time.Time) error
}

// Rates reserves start times under an endpoint's rate limit, over all workers.
type Rates interface {
	// Reserve returns for how many of n requests there is room before the
	// horizon, when the first may start, and how far apart they are.
	Reserve(ctx context.Context, endpoint webhook.ID, perSecond, n int, horizon time.Duration) (granted int, first, apart time.Duration)
}

// Watchers are told of attempts once they are recorded. Neither method waits.
type Watchers interface {
	// Watched reports whether anybody watches a workspace.
	Watched(ws webhook.WorkspaceID) bool
	Tell(ws webhook.WorkspaceID, a webhook.LiveAttempt)
}

// Tracer records attempts of events whose publishers are traced.
type Tracer interface {
	// Begin is told of an attempt about to be made at a time, in its publisher's trace.
	Begin(in webhook.Trace, at time.Time) Span
}

// Span is an attempt in a trace.
type Span interface {
	// Trace is the attempt's own place; its receiver is told, where it is to be told.
	Trace() (own webhook.Trace, tell bool)
	// End says what came of it.
	End(a TracedAttempt)
}

// TracedAttempt is what a trace shows of an attempt.
type TracedAttempt struct {
	Delivery webhook.Member
	PublicID string
	Number   int
	Response webhook.Response
}

// Deps of a Runner.
type Deps struct {
	Rows     Rows
	Sources  Sources
	Outcomes Outcomes
	Sender   Sender
	Retries  Retries
	Rates    Rates
}

// Config of a Runner; zero values are defaults.
type Config struct {
	// WorkerID names this process on the rows it holds in memory. Required.
	WorkerID string
	// UserAgent is sent with every request. Required.
	UserAgent string
	// Concurrency is how many requests are in flight at once. Default 512.
	Concurrency int
	// BacklogShare is the part of the time in which retries, and bulk, begin while first
	// attempts come. 1 and more is all of it. Default 0.5.
	BacklogShare float64
	// Timeout, RetrySchedule and MaxInFlight hold for endpoints without their
	// own. Defaults 10s, none, 64.
	Timeout       time.Duration
	RetrySchedule []time.Duration
	MaxInFlight   int
	// Shards is into how many queues retries are spread. Default 1.
	Shards webhook.Shards
	// EndpointBytes bounds the cache of endpoints, as estimated. Default 16 MiB.
	EndpointBytes int
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	// MetricEndpoints is how many endpoints have metrics of their own: those with the
	// most attempts. Default 0.
	MetricEndpoints int
	// ClockOff is why this machine's clock can't be gone by, or nil. Nothing is begun
	// then, for requests carry its time and receivers look at that. Default nil.
	ClockOff func() error
	// Watchers are told of attempts. Default: there are none.
	Watchers Watchers
	// Tracer records attempts. Default: nobody does.
	Tracer Tracer
	// Random is in [0,1): the jitter. Default math/rand's.
	Random func() float64
	Now    func() time.Time
}
