package advice_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/advice"
	"github.com/postrider/postrider/internal/webhook"
)

// TestNothingIsLeftWithoutAdvice: whatever the API may say, there are words for it.
func TestNothingIsLeftWithoutAdvice(t *testing.T) {
	t.Parallel()
	said := func(what string, a advice.Advice) {
		if a.Means == "" || a.Do == "" {
			t.Errorf("%s: %+v", what, a)
		}
	}
	for _, class := range webhook.ErrorClasses() {
		for status := 100; status < 600; status++ {
			if status/100 != 2 {
				said(fmt.Sprint(class, status), advice.Of(client.ErrorClass(class), status))
			}
		}
	}
	for _, reason := range []client.HeldReason{
		client.HeldEndpointDisabled, client.HeldBreakerOpen, client.HeldMaxInFlight, client.HeldRateLimit, client.HeldSecretSealed, client.HeldOrdering,
	} {
		said(string(reason), advice.Held(reason))
	}
	if len(advice.Classes()) != len(webhook.ErrorClasses())-1 {
		t.Error("a class is missing from the docs")
	}
}

// TestTheDocsSayTheSame: the table under "What to do" is this package's.
func TestTheDocsSayTheSame(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/delivery-errors.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| `error_class` | what it means | what to do |\n| --- | --- | --- |\n"
	row := func(name string, a advice.Advice) { table += "| " + name + " | " + a.Means + " | " + a.Do + " |\n" }
	for _, class := range advice.Classes() {
		row("`"+string(class)+"`", advice.Of(class, 0))
	}
	for _, status := range advice.Statuses() {
		row(fmt.Sprintf("`status`, %d", status), advice.Of(client.ErrorStatus, status))
	}
	row("`status`, 3xx", advice.Of(client.ErrorStatus, 399))
	row("`status`, any other 4xx", advice.Of(client.ErrorStatus, 499))
	row("`status`, any other 5xx", advice.Of(client.ErrorStatus, 599))
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/delivery-errors.md should have:\n%s", table)
	}
}
