package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/postrider/postrider/client"
)

// post is the payload of these examples.
type post struct {
	ID     int    `json:"id"`
	Title  string `json:"title"`
	Status string `json:"status"`
}

func Example() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	accepted, err := c.Dispatch(ctx, "post.created", post{ID: 123, Title: "My Blog Post", Status: "published"})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(accepted.ID, "goes to", accepted.Deliveries, "endpoints")
}

func ExampleNewWith() {
	c := client.NewWith("https://postrider.example.com", os.Getenv("POSTRIDER_ADMIN_KEY"), client.Config{
		Workspace:  "456", // where the admin key acts
		Timeout:    5 * time.Second,
		MaxRetries: 5,
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
		UserAgent:  "blog/1.2",
	})
	other := c.In("457") // the same, in another workspace
	fmt.Println(c, other)
	// Output: postrider client for https://postrider.example.com postrider client for https://postrider.example.com
}

func ExampleClient_Dispatch() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	accepted, err := c.Dispatch(ctx, "order.paid", map[string]any{"order": 1234},
		client.WithID("order-1234-paid"),                      // however often it is published, it is accepted once
		client.WithOrderingKey("order-1234"),                  // after the order's events before it
		client.WithEndpoints("ep_01kqxg5wdgf0m8c4yb2h3t9v6z"), // only these endpoints are considered
		client.WithWait(2*time.Second),                        // wait for the first attempts
	)
	if err != nil {
		log.Print(err)
		return
	}
	for _, o := range accepted.Outcomes {
		fmt.Println(o.EndpointID, o.Status)
	}
}

func ExampleClient_Stream() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	options := client.StreamOptions{Kinds: []client.StreamKind{client.StreamEvents}, Types: []string{"post.*"}}
	for m, err := range c.Stream(ctx, options) {
		if err != nil { // the context's, or why this key has no stream
			log.Print(err)
			return
		}
		if m.Event != nil {
			fmt.Println(m.Event.Type, m.Event.ID, string(m.Event.Payload))
		}
		_ = m.Position // keep it, and another stream goes on from here
	}
}

func ExampleClient_DispatchBatch() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	// All or none, 1000 at most.
	accepted, err := c.DispatchBatch(ctx, []client.NewEvent{
		{Type: "post.created", Data: post{ID: 1}},
		{Type: "post.created", Data: post{ID: 2}, DeliverAt: time.Now().Add(time.Hour)},
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(len(accepted), "accepted")
}

// Of a batch that was refused, the others can go.
func ExampleRefusals() {
	err := error(&client.Error{Status: 422, Code: client.CodeInvalid, Detail: "the request has invalid fields", Errors: []client.FieldError{
		{Pointer: "/events/1/data/id", Detail: "must be a number"},
	}}) // as DispatchBatch answers
	events := []client.NewEvent{{Type: "post.created", ID: "a"}, {Type: "post.created", ID: "b"}, {Type: "post.created", ID: "c"}}
	refused := client.Refusals(err, len(events))
	for i, e := range events {
		if refused[i] != nil {
			fmt.Println(e.ID, refused[i])
		}
	}
	// Output: b client: 422 invalid: the request has invalid fields; /data/id must be a number
}

// What the API would say of an event's form is known without it.
func ExampleNewEvent_Check() {
	e := client.NewEvent{Type: "post created", Data: post{ID: 123}}
	fmt.Println(e.Check(false))
	// Output: client: publishEvent: 422 invalid: the request has invalid fields; /type must be dot-separated words of A-Za-z0-9_-, at most 256 characters
}

func ExampleError() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	_, err := c.Dispatch(ctx, "post.created", post{ID: 123})
	var e *client.Error
	switch {
	case err == nil:
	case errors.As(err, &e) && e.Code == client.CodeInvalid:
		for _, field := range e.Errors {
			fmt.Println(field.Pointer, field.Detail)
		}
	case client.CodeOf(err) == client.CodeUnauthorized:
		fmt.Println("the key was revoked")
	default: // after all tries: it may have been accepted, and can be published again under its id
		fmt.Println(err)
	}
}

func ExampleWithIdempotencyKey() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	// Repeated within 24 hours, even by another process, this makes one endpoint.
	once := client.WithIdempotencyKey(ctx, "setup-search-index-1")
	e, err := c.Endpoints.Create(once, client.EndpointInput{
		URL:     "https://example.com/webhooks",
		Events:  []string{"post.*"},
		Filters: map[string]any{"status": "published"},
		Timeout: new(5),
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(e.ID, e.Secret)
}

func ExampleEndpointsService_Update() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	// What is left out stays as it is; null brings a default back.
	e, err := c.Endpoints.Update(ctx, "ep_01kqxg5wdgf0m8c4yb2h3t9v6z", client.EndpointPatch{
		URL:       new("https://example.com/webhooks/v2"),
		IsActive:  client.Set(true),
		RateLimit: client.Null[int](),
		Headers:   client.Set(map[string]*string{"X-Team": new("search"), "X-Old": nil}),
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(e.URL)
}

func ExampleDeliveriesService_All() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))

	// Page after page, as far as the loop goes.
	for d, err := range c.Deliveries.All(ctx, client.DeliveryFilter{Status: client.DeliveryFailed, Since: time.Now().Add(-time.Hour)}) {
		if err != nil {
			log.Print(err)
			return
		}
		if d.ErrorClass != nil && *d.ErrorClass == client.ErrorTimeout {
			if _, err := c.Deliveries.Retry(ctx, d.ID); err != nil {
				log.Print(err)
			}
		}
	}
}

func ExampleBatcher() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY"))
	b := c.NewBatcher(client.BatcherConfig{
		MaxEvents: 500,
		MaxDelay:  50 * time.Millisecond,
		OnError:   func(e client.NewEvent, err error) { log.Printf("%s %s: %v", e.Type, e.ID, err) },
	})
	for id := range 10_000 {
		if err := b.Dispatch(ctx, "post.viewed", post{ID: id}); err != nil {
			log.Print(err)
			break
		}
	}
	stop, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := b.Close(stop); err != nil { // sends what is queued
		log.Print("the first that failed: ", err)
	}
}

func ExampleBatcher_Submit() {
	ctx := context.Background()
	b := client.New("http://127.0.0.1:8080", os.Getenv("POSTRIDER_KEY")).NewBatcher(client.BatcherConfig{})
	defer b.Close(ctx)

	pending, err := b.Submit(ctx, "post.viewed", post{ID: 1})
	if err != nil {
		log.Print(err)
		return
	}
	accepted, err := pending.Wait(ctx)
	fmt.Println(accepted.ID, err)
}
