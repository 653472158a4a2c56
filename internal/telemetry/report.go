package telemetry

// Status words of a Report and of its checks.
const (
	StatusReady    = "ready"
	StatusNotReady = "not_ready"
	StatusDraining = "draining"

	CheckOK       = "ok"
	CheckFailed   = "failed"   // required, so the process is not ready
	CheckDegraded = "degraded" // only reported
)

// Report is the body of /readyz.
type Report struct {
	// Status is ready, not_ready or draining; draining wins.
	Status   string `json:"status"`
	Draining bool   `json:"draining"`
	// Checks are by name; empty, not null, without any.
	Checks map[string]CheckResult `json:"checks"`
}

// CheckResult is how one check went.
type CheckResult struct {
	// Status is ok, failed or degraded.
	Status string `json:"status"`
	// Error says why, with secrets hidden; empty when ok.
	Error string `json:"error,omitempty"`
}

// Ready reports whether the process should get work.
func (r Report) Ready() bool { return r.Status == StatusReady }

func newReport(results map[string]CheckResult, ready, draining bool) Report {
	r := Report{Status: StatusReady, Draining: draining, Checks: results}
	switch {
	case draining:
		r.Status = StatusDraining
	case !ready:
		r.Status = StatusNotReady
	}
	return r
}

func newResult(err error, required bool) CheckResult {
	switch {
	case err == nil:
		return CheckResult{Status: CheckOK}
	case required:
		return CheckResult{Status: CheckFailed, Error: Redact(err.Error())}
	}
	return CheckResult{Status: CheckDegraded, Error: Redact(err.Error())}
}
