package webhook

import "time"

// Request is one POST to a receiver.
type Request struct {
	URL string
	// Header is sent with the names as they are spelled here.
	Header []Header
	// Body must not change any more once it was handed over: the last bytes may
	// still be on their way when the answer is here.
	Body []byte
	// Timeout bounds the whole attempt, from DNS to the last byte read. Default 10s.
	Timeout time.Duration
	// Hidden is masked in all that is returned of the answer.
	Hidden *Hidden
}

// Standing is what Postgres knows of a delivery at the moment somebody wants to
// make a request for it.
type Standing struct {
	Status   Status
	Task     string // who holds it; "" is nobody
	Attempts int
	// ScheduleStart is how many attempts the present schedule does not count.
	ScheduleStart int
	// DueIn is how long it is to wait still, by Postgres's clock.
	DueIn time.Duration
	// DeliverAt is when its publisher wanted the first attempt at the earliest; zero
	// as a rule.
	DeliverAt time.Time
	// Replayed says that a replay made it, however long after its event.
	Replayed bool
	// Turn is nil without an ordering key. Waits says that others of its key are
	// before it.
	Turn  *Turn
	Waits bool
	// The endpoint's state.
	EndpointVersion int64
	EndpointActive  bool
	EndpointDeleted bool
	// BreakerOpen says that the endpoint's breaker is; OpenFor is how long nothing
	// goes out still, by Postgres's clock, negative once a probe is due. ProbeID is
	// the one delivery that is let through all the same.
	BreakerOpen bool
	OpenFor     time.Duration
	ProbeID     ID
}

// Standings are those of deliveries that exist. What stands alike may share one:
// nobody changes them once Guard has returned them.
type Standings map[ID]*Standing

// Outcome is the result of one attempt, on its way into Postgres.
type Outcome struct {
	Delivery Member
	Attempt  Attempt
	// Refused is the request before, of the same attempt: it was answered 401, and
	// made once more with the new secret. Nil as a rule.
	Refused *Attempt
	// Task and Seen are the fence: who held the row, and how many attempts it
	// had, when the attempt began.
	Task string
	Seen int
	// Status is what becomes of the delivery. A success always wins; anything
	// else counts only while the fence holds.
	Status Status
	// NextTask and Delay are for a pending one: who tries it next and when. ""
	// is the scheduler's feed.
	NextTask string
	Delay    time.Duration
	// Probe says that the attempt tested an open breaker: it uses up no retry.
	Probe bool
	// Recovers says that the endpoint had a run of failures, which this success ends.
	Recovers bool
	// Disable the endpoint: the receiver answered 410.
	Disable bool
	// EndpointVersion is the endpoint's that the request was made with. A later one
	// is not disabled by it.
	EndpointVersion int64
	// Turn is the delivery's place in its ordering key's line; nil without a key.
	Turn *Turn
}

// Hold is a delivery that is not to be tried now, and why.
type Hold struct {
	Delivery Member
	Task     string
	Reason   string
	// For is how long it is until it is looked at again: not when, for the clocks of
	// a worker and of Postgres may differ. Zero for a reason that ends by an act.
	For time.Duration
	// Probe says that it was to test an open breaker: another may do so now.
	Probe bool
}
