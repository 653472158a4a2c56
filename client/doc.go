// Package client is Postrider's SDK for Go: it publishes events, and manages all
// that the API manages. It needs nothing but the standard library.
//
//	c := client.New("https://postrider.example.com", os.Getenv("POSTRIDER_KEY"))
//	accepted, err := c.Dispatch(ctx, "post.created", post)
//
// An answer without an error means that the event and its deliveries are
// committed. Requests that got no answer, or were told to wait, are made again
// with the same Idempotency-Key, so that nothing happens twice. What the API
// refuses is an [*Error] with a stable [Code].
//
// Who publishes a lot uses a [Batcher], which sends many events in one request.
// Code that publishes takes a [Dispatcher], so that its tests can hand in the fake
// of package hooktest.
package client
