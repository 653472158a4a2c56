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
package egress
