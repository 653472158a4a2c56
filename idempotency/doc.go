// Package idempotency makes a receiver of webhooks take effect once for each
// event. Delivery is at least once: an answer that gets lost, or a crash between
// the answer and its record, makes Postrider send an event again, under the same id.
//
// [Once] is the middleware: it goes behind signature's, and calls the handler
// only for an event that no handler has finished. A [Store] remembers which those
// are: [Memory] in one process, package redisstore in Redis, package pgstore in
// Postgres. This package needs nothing but the standard library.
//
// # What is promised
//
// An event is claimed, handled, and marked as done if the handler succeeded. A
// handler that fails gives its claim back, and the event comes again. A process
// that dies in between leaves a claim that expires ([OnceConfig.Hold]), and the
// event is handled again: its effect may have happened already, without its mark.
// So what lies between effect and mark can still happen twice. Where the effect
// is in Postgres, pgstore's OnceTx puts the mark into the same transaction, and
// it can't.
package idempotency
