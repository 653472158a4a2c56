package webhook

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrorClass says in one word what kind of failure an attempt met.
type ErrorClass string

// Every class there is; a successful attempt has none.
const (
	ClassTimeout     ErrorClass = "timeout"
	ClassRefused     ErrorClass = "refused"
	ClassReset       ErrorClass = "reset"
	ClassDNS         ErrorClass = "dns"
	ClassTLS         ErrorClass = "tls"
	ClassBlocked     ErrorClass = "blocked"
	ClassStatus      ErrorClass = "status"
	ClassInvalidHTTP ErrorClass = "invalid_http"
	ClassInternal    ErrorClass = "internal"
)

// ErrorClasses lists every class, for metrics and documentation.
func ErrorClasses() []ErrorClass {
	return []ErrorClass{
		ClassTimeout, ClassRefused, ClassReset, ClassDNS, ClassTLS, ClassBlocked, ClassStatus, ClassInvalidHTTP, ClassInternal,
	}
}

// MaxResponseBytes of a response body are kept; the rest is not read.
const MaxResponseBytes = 64 << 10

// Attempt is one HTTP request made for a delivery, with what came back.
type Attempt struct {
	ID         ID
	DeliveryID ID
	Number     int
	StartedAt  time.Time
	Duration   time.Duration
	// StatusCode is 0 when no answer came.
	StatusCode int
	Error      string
	ErrorClass ErrorClass
	// RequestHeaders are as sent, except that custom values read "***".
	RequestHeaders  []Header
	ResponseHeaders []Header
	ResponseBody    []byte
	// SignedWith says whose signature X-Webhook-Signature was while the endpoint's
	// secrets rotated: SignedOld or SignedNew; else it is empty.
	SignedWith string
}

// Values of SignedWith.
const (
	SignedOld = "old"
	SignedNew = "new"
)

// Header is one header line, in the order it was sent or received.
type Header struct {
	Name  string
	Value string
}

// Response is what a receiver answered, or why it did not.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// Err is nil when an answer came, whatever its status. It is always a
	// *SendError.
	Err *SendError
	// Started and Duration span dial to last byte read.
	Started  time.Time
	Duration time.Duration
}

// HeaderLines are the answer's headers, sorted by name.
func (r *Response) HeaderLines() []Header {
	out := make([]Header, 0, len(r.Header))
	for name, values := range r.Header {
		for _, value := range values {
			out = append(out, Header{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(out, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// SendError is a request that got no usable answer.
type SendError struct {
	Class ErrorClass
	// Detail is a sentence for the attempt's error; it holds no secret.
	Detail string
	Cause  error
}

func (e *SendError) Error() string { return e.Detail }
func (e *SendError) Unwrap() error { return e.Cause }
