package api

import (
	"context"
	"net/http"
)

func (s *server) queueRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/queues", id: "getQueues", tag: tagQueues, access: adminOnly,
		summary: "Show what waits in Redis",
		doc: "The queues of the whole deployment: how many tasks each has, how long the oldest has waited, and the workers that take them. " +
			"A task carries up to 50 first attempts of deliveries, or one retry; what is in Postgres alone, such as a delivery that is held, has none. 503 while Redis is away.",
		status: http.StatusOK, answer: queuesWire{}, handle: s.getQueues,
	}}
}

func (s *server) getQueues(ctx context.Context, _ *request) (response, error) {
	q, err := s.Queues.State(ctx)
	if err != nil {
		return response{}, err
	}
	return response{http.StatusOK, renderQueues(&q), ""}, nil
}
