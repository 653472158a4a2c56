// Package outbox publishes events in the producer's own Postgres transaction: the row
// and its webhook commit together, or neither does.
//
//	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
//		if _, err := tx.Exec(ctx, "INSERT INTO posts …"); err != nil {
//			return err
//		}
//		_, err := outbox.Dispatch(ctx, tx, "post.created", post)
//		return err
//	})
//
// A [Relay] sends what committed, in order and at least once. Every event has an id
// from Dispatch on, under which Postrider accepts it once however often it is sent.
//
// Order is that of commits, as far as one can know of the other: an event whose
// Dispatch was called after another's transaction had committed goes after it, and
// those of one transaction go as they were dispatched. Transactions with events of the
// same ordering key take turns, from Dispatch to commit, so that all of a key's events
// are in one order. Events without a key of transactions at the same time go in either
// order.
//
// The functions are those of [DefaultTable]; the same methods are [Table]'s. A table is
// for one workspace, that of the relay's client. It needs its schema: [Migrate], or
// [Schema] for who has migrations.
package outbox
