package pgstore_test

import (
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/idempotency/pgstore"
	"github.com/postrider/postrider/signature"
)

// The mark and the effect are one commit: whatever crashes when, the invoice is
// paid once.
func ExampleStore_OnceTx() {
	var pool *pgxpool.Pool // yours
	store := pgstore.New(pool, pgstore.Config{})

	handler := func(w http.ResponseWriter, r *http.Request) {
		event, _ := signature.EventFrom(r.Context())
		err := pgx.BeginFunc(r.Context(), pool, func(tx pgx.Tx) error {
			first, err := store.OnceTx(r.Context(), tx, event.ID, 0)
			if err != nil || !first {
				return err
			}
			_, err = tx.Exec(r.Context(), "UPDATE invoices SET paid = true WHERE event = $1", event.ID)
			return err
		})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError) // it comes again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	_ = handler
}
