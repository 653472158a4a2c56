package webhook

import "time"

// Verdict is how a step of a diagnosis went.
type Verdict string

// A step that was not reached is skipped.
const (
	VerdictOK      Verdict = "ok"
	VerdictWarn    Verdict = "warn"
	VerdictFail    Verdict = "fail"
	VerdictSkipped Verdict = "skipped"
)

// Finding is one step of a diagnosis.
type Finding struct {
	Step    string
	Verdict Verdict
	// Detail is a sentence that says what was found and what to do about it.
	Detail string
	// Facts are what was measured, for programs; nil where there are none.
	Facts map[string]any
}

// Diagnosis is what making a request to an endpoint shows, step by step.
type Diagnosis struct {
	Verdict  Verdict // the worst of the steps'
	Findings []Finding
}

// Probe is what can be learnt of a URL without a request. Each part is there as
// far as the one before it went well.
type Probe struct {
	// URL is what is wrong with it.
	URL       error
	Addresses []ProbedAddress
	DNS       *SendError
	// Connected is the address a connection was made to, after so long.
	Connected    string
	ConnectAfter time.Duration
	Connect      *SendError
	TLS          *ProbedTLS // nil for plain http
	TLSFailure   *SendError
}

// ProbedAddress is one that a host has, and why it may not be dialled.
type ProbedAddress struct {
	Address string
	Blocked string
}

// ProbedTLS is what a receiver's certificate says.
type ProbedTLS struct {
	Version string
	Names   []string
	Issuer  string
	// Expires is the first end of validity in the chain.
	Expires time.Time
}
