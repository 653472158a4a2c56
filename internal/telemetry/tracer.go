package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer records a publisher's request and the attempts that come of it as one
// trace. A nil one records nothing and costs nothing.
type Tracer struct {
	provider  *sdk.TracerProvider
	exporter  sdk.SpanExporter
	tracer    trace.Tracer
	propagate bool
}

// TracingConfig of a Tracer.
type TracingConfig struct {
	// Endpoint is a collector's; nil turns tracing off.
	Endpoint *url.URL
	// Propagate has receivers told.
	Propagate bool
	// Role and Version say what runs.
	Role, Version string
	// Logger is told of a collector that does not answer. Required.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// tracesPath is where a collector takes traces, unless its address says otherwise.
const tracesPath = "/v1/traces"

// NewTracer makes one. It connects to nothing yet, and the OTEL_* variables of the
// environment count: for headers and certificates of the exporter, the sampler, the
// batches, the resource.
func NewTracer(ctx context.Context, cfg TracingConfig) (*Tracer, error) {
	if cfg.Endpoint == nil {
		return nil, nil //nolint:nilnil // nil is the Tracer that does nothing
	}
	to := *cfg.Endpoint
	if to.Path == "" || to.Path == "/" {
		to.Path = tracesPath
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to.String()))
	if err != nil {
		return nil, fmt.Errorf("tracing.endpoint: %w", err)
	}
	what, err := whatRuns(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("describe this process for traces: %w", err)
	}
	// The processor has a bounded queue, 2,048 spans unless OTEL_BSP_MAX_QUEUE_SIZE
	// says otherwise, and drops what has no room: nobody ever waits for a collector.
	provider := sdk.NewTracerProvider(sdk.WithBatcher(newWatched(exporter, cfg)), sdk.WithResource(what))
	return &Tracer{
		provider: provider, exporter: exporter, tracer: provider.Tracer("github.com/postrider/postrider"), propagate: cfg.Propagate,
	}, nil
}

func whatRuns(ctx context.Context, cfg TracingConfig) (*resource.Resource, error) {
	host, _ := os.Hostname()
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.namespace", "postrider"), attribute.String("service.name", "postrider-"+cfg.Role),
		attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", host),
	), resource.WithFromEnv()) // the last one wins: OTEL_SERVICE_NAME
}

// Stop sends what is left, as far as there is time.
func (t *Tracer) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what could not be sent was said by watched
	// Cuts off what still waits for a collector that says nothing: it would go on after us.
	_ = t.exporter.Shutdown(context.WithoutCancel(ctx))
}

// flushTimeout bounds what a collector that is away costs a stop.
const flushTimeout = 2 * time.Second

// watched counts what an exporter sends, and has its errors logged: the SDK would
// print them to standard error, past the log.
type watched struct {
	sdk.SpanExporter
	logger *slog.Logger
	spans  *prometheus.CounterVec
}

func newWatched(e sdk.SpanExporter, cfg TracingConfig) *watched {
	w := &watched{SpanExporter: e, logger: cfg.Logger, spans: promauto.With(cfg.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "postrider_telemetry_spans_total", Help: "Spans by result: sent, or failed because the collector did not take them.",
	}, []string{"result"})}
	for _, result := range []string{"sent", "failed"} {
		w.spans.WithLabelValues(result)
	}
	return w
}

// ExportSpans implements sdk.SpanExporter.
func (w *watched) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	result := "sent"
	if err := w.SpanExporter.ExportSpans(ctx, spans); err != nil {
		w.logger.Warn("spans not sent: the collector at tracing.endpoint does not take them", "error", err)
		result = "failed"
	}
	w.spans.WithLabelValues(result).Add(float64(len(spans)))
	return nil
}
