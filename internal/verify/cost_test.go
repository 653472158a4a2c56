package verify

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/signature"
)

// mostHashed takes some 100 ms.
const mostHashed = 80 << 20

// TestWhatAJudgementCosts: who may ask may ask often, so that a body made for it, of
// which every way of writing it is another, must not keep a processor busy.
func TestWhatAJudgementCosts(t *testing.T) {
	t.Parallel()
	body := "\ufeff {\"workspace_id\": 1,\r\n" + `"data":{"object":{"a":"\/ \u003c \u00fc ` + strings.Repeat("x", largeBody-200) + `"}},"id":"e","type":"t","created_at":"x"}` + " \n"
	for name, body := range map[string]string{"ManyForms": body, "JSON": strings.TrimSpace(strings.TrimPrefix(body, "\ufeff"))} {
		req := request(t, body)
		req.Header.Set(signature.HeaderSignature, "sha256="+strings.Repeat("0", 64))
		req.Header.Set(signature.HeaderStandardSignature, "v1,"+strings.Repeat("A", 43)+"=")
		req.Header.Set(signature.HeaderID, "another")
		req.Header.Set(signature.HeaderTimestamp, "1")
		check := Check{Secrets: []string{verifySecret, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, Now: verifyTime, Tolerance: -1}
		if v := check.Judge(t.Context(), req); v.Verified || v.Mistake == "" {
			t.Errorf("%s: got %+v", name, v)
		}
		for _, header := range []string{signature.HeaderSignature, signature.HeaderStandardSignature} {
			if n := len(newSearch(check.Secrets, req).tries(header)); n < 20 || n*len(body) > mostHashed {
				t.Errorf("%s: %d bodies of %d bytes are hashed for %s", name, n, len(body), header)
			}
		}
	}
}
