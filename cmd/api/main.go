// Command api runs the HTTP API: it accepts events and commits them with their
// deliveries.
package main

import (
	"os"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
)

func main() { os.Exit(app.Main(config.RoleAPI, os.Args[1:])) }
