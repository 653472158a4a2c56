// Command openapi prints the API's description, as make openapi writes it to
// openapi.json.
package main

import (
	"fmt"
	"os"

	"github.com/postrider/postrider/internal/api"
)

func main() {
	raw, err := api.OpenAPI()
	if err == nil {
		_, err = os.Stdout.Write(raw)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}
