package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// Feed is a part of what an endpoint got or would have got, oldest first.
type Feed struct {
	Data []FeedEvent `json:"data"`
	// NextCursor is where to go on, now or later. There always is one.
	NextCursor string `json:"next_cursor"`
	// HasMore says that there is more to read now.
	HasMore bool `json:"has_more"`
}

// FeedEvent is one event of a feed.
type FeedEvent struct {
	// ID is the event's, as in X-Webhook-ID.
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	// AcceptedAt is what the feed goes by.
	AcceptedAt time.Time `json:"accepted_at"`
	// DeliverAt is nil where the event was to be delivered at once.
	DeliverAt *time.Time `json:"deliver_at"`
	// DeliveryID and Status are of the last delivery; nil where there was none.
	DeliveryID *string         `json:"delivery_id"`
	Status     *DeliveryStatus `json:"status"`
	// Payload is what the body of its requests is; null once it is no longer kept.
	Payload json.RawMessage `json:"payload"`
}

// FeedOptions choose a part of a feed.
type FeedOptions struct {
	// Since is where a feed begins that is read without a cursor. Default: with the
	// endpoint.
	Since time.Time
	// Limit and Cursor are as in [ListOptions]; the cursor is that of a [Feed].
	Limit  int
	Cursor string
}

func (o FeedOptions) query() query { return query{}.time("since", o.Since).page(o.Limit, o.Cursor) }

// Feed is one part of what a receiver that was down has missed. The client's key may
// be the endpoint's secret.
func (s *EndpointsService) Feed(ctx context.Context, id string, o FeedOptions) (Feed, error) {
	return do[Feed](ctx, s.c, &call{op: "readEndpointFeed", method: "GET", path: "/v1/endpoints/{}/feed", ids: []string{id}, query: url.Values(o.query())})
}

// AllOfFeed goes through the parts of a feed until there is no more to read now. Keep
// the NextCursor of each once its events are dealt with.
func (s *EndpointsService) AllOfFeed(ctx context.Context, id string, o FeedOptions) iter.Seq2[Feed, error] {
	return func(yield func(Feed, error) bool) {
		for more := true; more; {
			page, err := s.Feed(ctx, id, o)
			if !yield(page, err) || err != nil {
				return
			}
			o.Cursor, more = page.NextCursor, page.HasMore
		}
	}
}
