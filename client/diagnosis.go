package client

// Diagnosis is the whole way to a receiver, step by step.
type Diagnosis struct {
	// OK is whether no step failed.
	OK bool `json:"ok"`
	// Status is the worst of the steps'.
	Status Verdict `json:"status"`
	Steps  []Step  `json:"steps"`
}

// Verdict is what a diagnosis comes to.
type Verdict string

// Every verdict.
const (
	VerdictOK   Verdict = "ok"
	VerdictWarn Verdict = "warn"
	VerdictFail Verdict = "fail"
)

// Step is one of a diagnosis.
type Step struct {
	Name   StepName   `json:"name"`
	Status StepStatus `json:"status"`
	// Detail is what was found, and what to do about it.
	Detail string `json:"detail"`
	// Facts are what was measured, such as days_to_expiry or duration_ms.
	Facts map[string]any `json:"facts,omitempty"`
}

// StepName is what a step looks at.
type StepName string

// Every step, in order.
const (
	StepURL       StepName = "url"
	StepDNS       StepName = "dns"
	StepTCP       StepName = "tcp"
	StepTLS       StepName = "tls"
	StepRedirect  StepName = "redirect"
	StepResponse  StepName = "response"
	StepLatency   StepName = "latency"
	StepClock     StepName = "clock"
	StepSignature StepName = "signature"
)

// StepStatus is how a step went.
type StepStatus string

// Every status; skipped is what comes after a step that failed.
const (
	StepOK      StepStatus = "ok"
	StepWarn    StepStatus = "warn"
	StepFail    StepStatus = "fail"
	StepSkipped StepStatus = "skipped"
)
