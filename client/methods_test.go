package client

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestEveryMethodIsInTheDocumentation, by its name.
func TestEveryMethodIsInTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range services() {
		_, row, found := strings.Cut(string(page), "`c."+name+"`")
		row, _, _ = strings.Cut(row, "\n")
		for i := range of.NumMethod() {
			if method := of.Method(i).Name; !found || !strings.Contains(row, "`"+method+"`") {
				t.Errorf("docs/client.md has no %s.%s", name, method)
			}
		}
	}
}

// services are the client's parts.
func services() map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Client]()) {
		if f.IsExported() {
			out[f.Name] = f.Type
		}
	}
	return out
}

// TestEveryMethodIsHeldToTheDescription: a method that is not in the table would be
// held to nothing. Those whose names begin with All go through pages.
func TestEveryMethodIsHeldToTheDescription(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"Client.In": true, "Client.NewBatcher": true, "Client.String": true, "Client.GoString": true}
	for _, calls := range operations {
		for _, m := range calls {
			known[m.method] = true
		}
	}
	check := func(name string, of reflect.Type) {
		for i := range of.NumMethod() {
			if method := of.Method(i).Name; !strings.HasPrefix(method, "All") && !known[name+"."+method] {
				t.Errorf("%s.%s is in no table", name, method)
			}
		}
	}
	check("Client", reflect.TypeFor[*Client]())
	for name, of := range services() {
		check(name, of)
	}
}
