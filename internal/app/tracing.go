package app

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/deliver"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/internal/webhook"
)

// buildTracer comes before what is traced, so that it sends what those record while
// they stop.
func (a *App) buildTracer(ctx context.Context, name string) (err error) {
	a.tracer, err = telemetry.NewTracer(ctx, telemetry.TracingConfig{
		Endpoint: a.cfg.Tracing.Endpoint, Propagate: a.cfg.Tracing.Propagate, Role: name, Version: telemetry.Version(),
		Logger: a.seldom, Registerer: a.registry,
	})
	if err == nil && a.tracer != nil {
		a.add("tracing", nil, a.tracer.Stop)
	}
	return err
}

// attemptTracer is nil without a tracer, so that an attempt asks nobody.
func (a *App) attemptTracer() deliver.Tracer {
	if a.tracer == nil {
		return nil
	}
	return attempts{a.tracer}
}

type attempts struct{ *telemetry.Tracer }

// Begin implements deliver.Tracer.
func (t attempts) Begin(in webhook.Trace, at time.Time) deliver.Span {
	return attemptSpan{t.Attempt(in, at)}
}

type attemptSpan struct{ telemetry.AttemptSpan }

// End implements deliver.Span.
func (s attemptSpan) End(a deliver.TracedAttempt) {
	s.AttemptSpan.End(a.Delivery, a.PublicID, a.Number, a.Response)
}
