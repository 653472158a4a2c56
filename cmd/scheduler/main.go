// Command scheduler runs the scheduler: it puts back what got stuck and keeps
// house in Postgres.
package main

import (
	"os"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
)

func main() { os.Exit(app.Main(config.RoleScheduler, os.Args[1:])) }
