// Package db carries the database's schema: goose migrations that sqlc reads
// as its schema too, so the two can't drift apart.
package db

import "embed"

// Schema holds the migrations under "schema/".
//
//go:embed schema/*.sql
var Schema embed.FS
