package api

import (
	"context"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

type diagnosisWire struct {
	OK     bool          `json:"ok" doc:"Whether no step failed."`
	Status string        `json:"status" enum:"ok,warn,fail" doc:"The worst of the steps'."`
	Steps  []findingWire `json:"steps" doc:"In order: url, dns, tcp, tls, redirect, response, latency, clock, signature."`
}

type findingWire struct {
	Name   string         `json:"name" enum:"url,dns,tcp,tls,redirect,response,latency,clock,signature" doc:"The step."`
	Status string         `json:"status" enum:"ok,warn,fail,skipped" doc:"How it went; skipped where an earlier step failed."`
	Detail string         `json:"detail" doc:"What was found, and what to do about it." example:"the receiver answered 204"`
	Facts  map[string]any `json:"facts,omitempty" doc:"What was measured, such as addresses, days_to_expiry, status_code or duration_ms." example:"{\"status_code\":204}"`
}

func (s *server) diagnoseEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	if invalid := decode(r.body, &noInput{}); invalid != nil {
		return response{}, invalid
	}
	if err := s.noteEndpoint(ctx, r, e.ID); err != nil {
		return response{}, err
	}
	d, err := s.Tester.Diagnose(ctx, r.workspace, e.ID)
	if err != nil {
		return response{}, err
	}
	out := diagnosisWire{OK: d.Verdict != webhook.VerdictFail, Status: string(d.Verdict), Steps: make([]findingWire, len(d.Findings))}
	for i, f := range d.Findings {
		out.Steps[i] = findingWire{Name: f.Step, Status: string(f.Verdict), Detail: f.Detail, Facts: f.Facts}
	}
	return response{status: http.StatusOK, body: out}, nil
}
