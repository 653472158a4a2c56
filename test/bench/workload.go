package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// kind is a sort of load.
type kind struct {
	name string
	// fanout is how many endpoints get each event.
	fanout int
	// bare events go to the receiver itself, past everything under test.
	bare bool
	// answersAfter is how long the receiver takes.
	answersAfter time.Duration
	// batch is how many events a request publishes; 0 is one, by itself.
	batch int
	// status is what the receiver answers; 0 is 200.
	status int
	// keyed events are each published under an Idempotency-Key of their own.
	keyed bool
	// attempts is how many were made of its deliveries before they are counted.
	attempts int
}

// endpoints is how many endpoints each kind of delivery has. At fan-out 1 the
// events take turns among as many types with one endpoint each; at fan-out 10
// all of them match.
const endpoints = 10

var (
	bareKind   = kind{name: "bare", fanout: 1, bare: true}
	acceptKind = kind{name: "accept"}
	singleKind = kind{name: "fanout1", fanout: 1}
	wideKind   = kind{name: "fanout10", fanout: endpoints}
	widestKind = kind{name: "fanout1000", fanout: 1000}
	batchKind  = kind{name: "batch", fanout: 1, batch: 100}
	// Of many endpoints, since the breaker of one opens soon.
	failsKind = kind{name: "fails", fanout: 1000, status: http.StatusInternalServerError}
	slowKind  = kind{name: "slow", fanout: 1, answersAfter: slowAnswer}
	// Not published: they are put into Postgres as what failed once.
	retryKind = kind{name: "retry", fanout: endpoints, attempts: 1}
	// The same with a key: what that costs is told against the one without.
	keyedAcceptKind = kind{name: "accept", keyed: true}
	keyedSingleKind = kind{name: "fanout1", fanout: 1, keyed: true}
)

// label is a short name.
func (k kind) label() string {
	if k.keyed {
		return k.name + " with a key"
	}
	return k.name
}

// endpoints is how many it has.
func (k kind) endpoints() int { return max(endpoints, k.fanout) }

// eventType is the type of the n-th event.
func (k kind) eventType(n int) string {
	if k.fanout == 1 {
		return "bench." + k.name + ".n" + strconv.Itoa(n%endpoints)
	}
	return "bench." + k.name
}

// key is the n-th event's Idempotency-Key, as a client makes one; "" for none.
func (k kind) key(n int) string {
	if !k.keyed {
		return ""
	}
	return fmt.Sprintf("order-%08d-9b2f6c1e", n)
}

// subscription is what the kind's i-th endpoint wants.
func (k kind) subscription(i int) string { return k.eventType(i) }

// path is where the kind's i-th endpoint is at the receiver.
func (k kind) path(i int) string { return "/" + k.name + "/" + strconv.Itoa(i) }

// payloadBytes is the length of an event's data.
const payloadBytes = 300

// sequenceKey stands before an event's number in its data, and nowhere else.
const sequenceKey = `"sequence":`

// request is what publishes so many events from the n-th on.
func (k kind) request(n, count int) []byte {
	if k.batch == 0 {
		return k.body(make([]byte, 0, 512), n)
	}
	b := append(make([]byte, 0, 512*count), `{"events":[`...)
	for i := range count {
		if i > 0 {
			b = append(b, ',')
		}
		b = k.body(b, n+i)
	}
	return append(b, "]}"...)
}

// body is an event, appended to b.
func (k kind) body(b []byte, n int) []byte {
	b = fmt.Appendf(b, `{"type":"%s","data":`, k.eventType(n))
	return append(appendData(b, n), '}')
}

// appendData adds an event's data: its number and what a shop might send, filled up
// to payloadBytes.
func appendData(b []byte, n int) []byte {
	start := len(b)
	b = fmt.Appendf(b, `{%s%d,"order":{"id":"ord_%08d","status":"paid","currency":"EUR","total":12990,"items":[{"sku":"A-1001","quantity":2},{"sku":"B-2002","quantity":1}]},"customer":{"id":4711,"email":"customer@example.com"},"note":"`, sequenceKey, n, n)
	const end = `"}`
	b = append(b, filler[:max(payloadBytes-len(end)-(len(b)-start), 0)]...)
	return append(b, end...)
}

var filler = strings.Repeat("lorem ipsum dolor ", payloadBytes/18+1)
