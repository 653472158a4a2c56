package remedy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/remedy"
	"github.com/postrider/postrider/internal/webhook"
)

// TestNothingIsLeftWithoutRemedy: whatever the API may say, there are words for it.
func TestNothingIsLeftWithoutRemedy(t *testing.T) {
	t.Parallel()
	said := func(what string, a remedy.Remedy) {
		if a.Means == "" || a.Do == "" {
			t.Errorf("%s: %+v", what, a)
		}
	}
	for _, class := range webhook.ErrorClasses() {
		for status := 100; status < 1000; status++ {
			if status/100 != 2 {
				said(fmt.Sprint(class, status), remedy.Of(client.ErrorClass(class), status))
			}
		}
	}
	for _, reason := range []client.HeldReason{
		client.HeldEndpointDisabled, client.HeldBreakerOpen, client.HeldMaxInFlight, client.HeldRateLimit, client.HeldSecretSealed, client.HeldOrdering,
	} {
		said(string(reason), remedy.Held(reason))
		forCustomer(t, remedy.Held(reason).ForCustomer())
	}
	for _, class := range remedy.Classes() {
		forCustomer(t, remedy.Of(class, 0).ForCustomer())
	}
	if len(remedy.Classes()) != len(webhook.ErrorClasses())-1 {
		t.Error("a class is missing from the docs")
	}
}

// forCustomer wants nothing of who has no configuration and no log of ours.
func forCustomer(t *testing.T, a remedy.Remedy) {
	t.Helper()
	for _, ours := range []string{"secrets.key", "egress.allow", "worker's log", "operates"} {
		if a.Means == "" || a.Do == "" || strings.Contains(a.Do, ours) {
			t.Errorf("a customer is told %+v", a)
		}
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
	row := func(name string, a remedy.Remedy) { table += "| " + name + " | " + a.Means + " | " + a.Do + " |\n" }
	for _, class := range remedy.Classes() {
		row("`"+string(class)+"`", remedy.Of(class, 0))
	}
	for _, status := range remedy.Statuses() {
		row(fmt.Sprintf("`status`, %d", status), remedy.Of(client.ErrorStatus, status))
	}
	row("`status`, 3xx", remedy.Of(client.ErrorStatus, 399))
	row("`status`, any other 4xx", remedy.Of(client.ErrorStatus, 499))
	row("`status`, any other 5xx", remedy.Of(client.ErrorStatus, 599))
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/delivery-errors.md should have:\n%s", table)
	}
}
