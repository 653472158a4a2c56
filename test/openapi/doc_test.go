// Package openapi tests the API's description from outside: openapi.json by a
// linter, and a real API by requests that are made of what it says.
package openapi

import (
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }
