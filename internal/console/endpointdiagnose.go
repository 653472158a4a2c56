package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postrider/postrider/client"
)

// diagnosePage is templates/pages/endpoint-diagnose.html's.
type diagnosePage struct {
	ofEndpoint
	Result *client.Diagnosis
	Steps  []stepRow
}

// stepRow is a step of a diagnosis, for people.
type stepRow struct {
	Name, Detail string
	Status       client.StepStatus
	Facts        []pair
}

func diagnoseForm(v *visit) error {
	o, err := v.ofEndpoint(v.ctx(), "/diagnose")
	if err != nil {
		return err
	}
	return v.render("endpoint-diagnose", o.Title(), &diagnosePage{ofEndpoint: o})
}

func diagnose(v *visit) error {
	p := &diagnosePage{}
	result, err := v.api.Endpoints.Diagnose(v.ctx(), v.pathID())
	if err != nil {
		return err
	}
	p.Result = &result
	for _, s := range result.Steps {
		p.Steps = append(p.Steps, stepRow{stepName(s.Name), sentence(s.Detail), s.Status, factsOf(s.Facts)})
	}
	if v.r.Header.Get("HX-Request") != "" {
		return v.fragment("endpoint-diagnose", "findings", p)
	}
	if p.ofEndpoint, err = v.ofEndpoint(v.ctx(), "/diagnose"); err != nil {
		return err
	}
	return v.render("endpoint-diagnose", p.Title(), p)
}

// Worst says what the diagnosis comes to.
func (p *diagnosePage) Worst() string {
	failed := 0
	for _, s := range p.Steps {
		if s.Status == client.StepFail {
			failed++
		}
	}
	switch {
	case failed > 0:
		return plural(int64(failed), "step") + " failed. Begin with the first of them: what comes after it may hang on it."
	case p.Result.Status == client.VerdictWarn:
		return "Webhooks arrive, but something is worth a look."
	}
	return "Everything is as it should be."
}

func stepName(n client.StepName) string {
	said, ok := map[client.StepName]string{
		client.StepURL: "URL", client.StepDNS: "Host name", client.StepTCP: "Connection", client.StepTLS: "Encryption", client.StepRedirect: "Redirects",
		client.StepResponse: "Answer", client.StepLatency: "Time to answer", client.StepClock: "Clock", client.StepSignature: "Forged signature",
	}[n]
	if !ok {
		return string(n)
	}
	return said
}

// sentence begins with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	runes := []rune(text)
	return strings.ToUpper(string(runes[:1])) + string(runes[1:])
}

// factsOf are what was measured, by name.
func factsOf(facts map[string]any) (all []pair) {
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		all = append(all, pair{factName(name), factText(facts[name])})
	}
	return all
}

// factName says the unit of what has one.
func factName(name string) string {
	for end, unit := range map[string]string{"_ms": " (ms)", "_seconds": " (s)"} {
		if stem, ok := strings.CutSuffix(name, end); ok {
			name = stem + unit
		}
	}
	return sentence(strings.ReplaceAll(name, "_", " "))
}

func factText(value any) string {
	switch x := value.(type) {
	case string:
		return x
	case []any:
		said := make([]string, len(x))
		for i := range x {
			said[i] = factText(x[i])
		}
		return strings.Join(said, ", ")
	case map[string]any:
		if address, ok := x["address"].(string); ok {
			if why, blocked := x["blocked"].(string); blocked {
				return address + " (" + why + ")"
			}
			return address
		}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}
