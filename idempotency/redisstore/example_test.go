package redisstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/idempotency/redisstore"
)

func ExampleStore() {
	server, err := miniredis.Run() // yours is a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()

	// For idempotency.Once, for signature.Config's Replay, or by hand:
	store, ctx := redisstore.New(client, redisstore.Config{}), context.Background()
	token, state, err := store.Begin(ctx, "evt_1", time.Minute)
	fmt.Println(state, err)
	_, state, err = store.Begin(ctx, "evt_1", time.Minute)
	fmt.Println(state, err)

	fmt.Println(store.Release(ctx, "evt_1", token)) // it failed, and may come again
	_, state, err = store.Begin(ctx, "evt_1", time.Minute)
	fmt.Println(state, err)

	fmt.Println(store.Commit(ctx, "evt_1", 24*time.Hour))
	_, state, err = store.Begin(ctx, "evt_1", time.Minute)
	fmt.Println(state, err)
	// Output:
	// claimed <nil>
	// held <nil>
	// <nil>
	// claimed <nil>
	// <nil>
	// done <nil>
}
