// Command verify has Go's libraries verify recorded webhooks: the cases of the JSON
// file that it is given. It writes what each library says of each case as JSON.
//
// It is a module of its own: Postrider needs none of these libraries.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"
)

// recorded is a request, and the secret to verify it with.
type recorded struct {
	Name   string            `json:"name"`
	Secret string            `json:"secret"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
}

type verdict struct {
	Library string `json:"library"`
	Case    string `json:"case"`
	Error   string `json:"error"`
}

type verifier interface {
	Verify(body []byte, header http.Header) error
}

var libraries = map[string]func(secret string) (verifier, error){
	"standard-webhooks": func(secret string) (verifier, error) { return standardwebhooks.NewWebhook(secret) },
	"svix":              func(secret string) (verifier, error) { return svix.NewWebhook(secret) },
}

func main() {
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var cases []recorded
	if err := json.Unmarshal(raw, &cases); err != nil {
		return err
	}
	var verdicts []verdict
	for library, newVerifier := range libraries {
		for _, c := range cases {
			v, err := newVerifier(c.Secret)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", library, c.Name, err)
			}
			verdicts = append(verdicts, verdict{library, c.Name, said(v.Verify(c.Body, c.header()))})
		}
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func (c recorded) header() http.Header {
	h := http.Header{}
	for name, value := range c.Header {
		h.Set(name, value)
	}
	return h
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
