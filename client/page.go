package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// Page is a part of a list, newest first.
type Page[T any] struct {
	Data []T `json:"data"`
	// NextCursor names the next page; nil on the last one.
	NextCursor *string `json:"next_cursor"`
}

// ListOptions choose a page of a list that is narrowed by nothing else.
type ListOptions struct {
	// Limit is how many at most, 1 to 250. Default 50.
	Limit int
	// Cursor is the NextCursor of the page before. The iterators begin there.
	Cursor string
}

func (o ListOptions) query() query { return query{}.page(o.Limit, o.Cursor) }

// query is the query of a request. What is zero is left out.
type query url.Values

func (q query) text(name, value string) query {
	if value != "" {
		q[name] = []string{value}
	}
	return q
}

func (q query) time(name string, t time.Time) query {
	if t.IsZero() {
		return q
	}
	return q.text(name, t.UTC().Format(time.RFC3339Nano))
}

func (q query) page(limit int, cursor string) query {
	if limit != 0 {
		q.text("limit", strconv.Itoa(limit))
	}
	return q.text("cursor", cursor)
}

// all goes through the pages from a cursor on. After an error it ends.
func all[T any](cursor string, fetch func(cursor string) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := cursor; ; {
			page, err := fetch(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == nil {
				return
			}
			cursor = *page.NextCursor
		}
	}
}

// list fetches one page.
func list[T any](ctx context.Context, c *Client, op, path string, q query, ids ...string) (Page[T], error) {
	return do[Page[T]](ctx, c, &call{op: op, method: "GET", path: path, ids: ids, query: url.Values(q)})
}
