// Package egress makes the outbound HTTP requests of webhooks, to receivers
// that may be slow, broken or hostile.
//
// A Policy decides which addresses may be reached: when an endpoint is saved
// (CheckURL) and again on the address that a connection really dials, so that a
// name that changes its mind in between gains nothing. A Sender makes one POST
// and turns whatever happens into a webhook.Response with an error class and a
// sentence for people. It follows no redirect, asks for no compression, reads a
// bounded part of the answer and speaks HTTP/1.1 only: with one request to a
// connection, a receiver that stalls holds up nobody else's.
//
// The exchange runs on the caller's goroutine: the attempt's deadline and the
// caller's context act on it as deadlines of the connection. Only a body that may
// not fit into the socket's buffers is written by a goroutine, which ends before
// Do does. Connections that ended their answer cleanly wait in a pool for the
// next request to the same host; one on which anything came meanwhile is dropped.
package egress
