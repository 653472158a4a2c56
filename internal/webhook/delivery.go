package webhook

import "time"

// Status is where a delivery stands. pending is the only state that changes by
// itself; failed and canceled become pending again by a manual retry.
type Status string

// The four states of a delivery.
const (
	StatusPending  Status = "pending"
	StatusSuccess  Status = "success"
	StatusFailed   Status = "failed"
	StatusCanceled Status = "canceled"
)

// Statuses lists every status, for validation and documentation.
func Statuses() []Status {
	return []Status{StatusPending, StatusSuccess, StatusFailed, StatusCanceled}
}

// Delivery is one event on its way to one endpoint, as readers see it.
type Delivery struct {
	ID          ID
	EventID     string // public: the caller's own id, else evt_…
	EndpointID  ID
	WorkspaceID WorkspaceID
	Type        string
	Status      Status
	Attempts    int
	// ScheduleStart is how many of them were made before the present schedule began:
	// by a manual retry, or as probes of a breaker.
	ScheduleStart int
	// The last attempt's outcome; zero before the first.
	StatusCode   int
	ResponseBody []byte
	Error        string
	ErrorClass   ErrorClass
	// HeldUntil and HeldReason say why a pending delivery is not being tried.
	HeldUntil     *time.Time
	HeldReason    string
	NextAttemptAt *time.Time
	CompletedAt   *time.Time
	// OrderingKey is its event's, or empty. A replay has none.
	OrderingKey string
	// ReplayID is zero for the first delivery of an event.
	ReplayID ID
}

// CreatedAt is when the delivery came to be. A replay's deliveries have their
// event's time in their id, so that they are found with it.
func (d *Delivery) CreatedAt() time.Time {
	if !d.ReplayID.IsZero() {
		return d.ReplayID.Time()
	}
	return d.ID.Time()
}

// Reasons for which a delivery ended without an attempt having decided it.
const (
	ReasonCanceled        = "canceled"
	ReasonExpired         = "expired"
	ReasonPayloadExpired  = "payload_expired"
	ReasonEndpointDeleted = "endpoint_deleted"
)
