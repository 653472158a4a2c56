// Command worker runs a worker: it delivers what was accepted.
package main

import (
	"os"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
)

func main() { os.Exit(app.Main(config.RoleWorker, os.Args[1:])) }
