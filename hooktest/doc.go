// Package hooktest has what tests of code around webhooks need. [Fake] stands in for
// the client where code publishes: it takes and refuses what the API would, and
// tells what was dispatched.
//
//	fake := hooktest.NewFake(t)
//	blog := NewBlog(fake) // which takes a client.Dispatcher
//	blog.Publish(post)
//	fake.AssertDispatched("post.published", func(e hooktest.Event) bool { return e.Get("id") == 123.0 })
//
// [Receiver] is the other side of an endpoint: it verifies, records, and fails on
// demand. [NewRequest] makes the requests that Postrider makes, right ones and wrong
// ones, for tests of a receiver's own handler.
package hooktest
