package verify

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/signature"
)

const (
	verifySecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	verifyBody   = `{"id":"evt_1","type":"post.created","created_at":"2024-01-15T10:30:00Z","data":{"object":{"z":"<b>ü🎉/x</b>","a":1.50,"e":"\\u00fc"}},"workspace_id":456}`
)

var verifyTime = time.Unix(1640995200, 0)

// request is one that is right.
func request(t *testing.T, body string) Request {
	t.Helper()
	standard, err := signature.SignStandard(verifySecret, "evt_1", verifyTime, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for name, value := range map[string]string{
		signature.HeaderSignature: signature.Sign(verifySecret, []byte(body)), signature.HeaderID: "evt_1", signature.HeaderTimestamp: "1640995200",
		signature.HeaderStandardID: "evt_1", signature.HeaderStandardTimestamp: "1640995200", signature.HeaderStandardSignature: standard,
	} {
		h.Set(name, value)
	}
	return Request{h, []byte(body)}
}

func judged(t *testing.T, req Request, secrets ...string) Verdict {
	t.Helper()
	c := Check{Secrets: secrets, Now: verifyTime, Tolerance: signature.DefaultTolerance}
	return c.Judge(t.Context(), req)
}

func TestVerifyRight(t *testing.T) {
	t.Parallel()
	v := judged(t, request(t, verifyBody), verifySecret)
	if !v.Verified || v.Mistake != "" || v.Signatures[0].State != "right" || v.Signatures[1].State != "right" {
		t.Errorf("got %+v", v)
	}
}

// TestVerifyBody: what was done to a body is found, by the one change that undoes it.
func TestVerifyBody(t *testing.T) {
	t.Parallel()
	indent := func(s string) string {
		var b bytes.Buffer
		if err := json.Indent(&b, []byte(s), "", "  "); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(s)); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	quoted, err := json.Marshal(verifyBody)
	if err != nil {
		t.Fatal(err)
	}
	ascii := strings.NewReplacer("ü", `\u00fc`, "🎉", `\ud83c\udf89`)
	for name, c := range map[string]struct{ body, says string }{
		"LineBreak":   {verifyBody + "\n", "without the line break"},
		"CRLF":        {verifyBody + "\r\n", "without the line break"},
		"BOM":         {"\ufeff" + verifyBody, "byte order mark"},
		"Spaces":      {"  " + verifyBody, "without white space around it"},
		"Indented":    {indent(verifyBody), "minified"},
		"ASCII":       {ascii.Replace(verifyBody), "characters where it has"},
		"Slashes":     {strings.ReplaceAll(verifyBody, "/", `\/`), `/ where it has \/`},
		"PHP":         {strings.ReplaceAll(ascii.Replace(verifyBody), "/", `\/`), "characters where it has escapes"},
		"HTML":        {strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(verifyBody), "<, > and &"},
		"Python":      {indent(ascii.Replace(verifyBody)), ", minified"},
		"Sorted":      {`{"created_at":"2024-01-15T10:30:00Z","data":` + dataOf(verifyBody) + `,"id":"evt_1","type":"post.created","workspace_id":456}`, "order in which they were sent"},
		"Base64":      {base64.StdEncoding.EncodeToString([]byte(verifyBody)), "base64 says"},
		"TwiceJSON":   {string(quoted), "encoded twice"},
		"Compressed":  {zip(verifyBody), "uncompressed"},
		"LineEndings": {strings.ReplaceAll(indent(verifyBody), "\n", "\r\n"), "minified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(t, verifyBody)
			req.Body = []byte(c.body)
			v := judged(t, req, verifySecret)
			if v.Verified || v.Mistake != BodyChanged {
				t.Errorf("the mistake is %s: %s", v.Mistake, v.Says)
			}
			for _, s := range v.Signatures {
				if s.State != "wrong" || len(s.With) != 1 || !strings.Contains(s.With[0], c.says) {
					t.Errorf("%s is %s, would verify with %q; want %q", s.Header, s.State, s.With, c.says)
				}
			}
		})
	}
}

func dataOf(body string) string {
	_, rest, _ := strings.Cut(body, `"data":`)
	data, _, _ := strings.Cut(rest, `,"workspace_id"`)
	return data
}

// TestVerifySaysWhich: each other mistake has its own words, for the header that has
// it.
func TestVerifySaysWhich(t *testing.T) {
	t.Parallel()
	bare := strings.TrimPrefix(verifySecret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(bare)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	standard := func(key, content string) string { return "v1," + base64.StdEncoding.EncodeToString(mac(key, content)) }
	const body, std = signature.HeaderSignature, signature.HeaderStandardSignature
	whole := signature.Sign(verifySecret, []byte(verifyBody))
	signedContent := "evt_1.1640995200." + verifyBody
	for name, c := range map[string]struct {
		change               func(http.Header)
		header, mistake, say string
	}{
		"BodyKeyWithoutPrefix": {set(body, signature.Sign(bare, []byte(verifyBody))), body, WrongSecret, "without whsec_ as the key"},
		"BodyKeyDecoded":       {set(body, signature.Sign(string(key), []byte(verifyBody))), body, WrongSecret, "what the secret's base64 says"},
		"StandardKeyWhole":     {set(std, standard(verifySecret, signedContent)), std, WrongSecret, "the whole secret as the key"},
		"StandardKeyUndecoded": {set(std, standard(bare, signedContent)), std, WrongSecret, "not decoded"},
		"KeyWithLineBreak":     {set(body, signature.Sign(verifySecret+"\n", []byte(verifyBody))), body, WrongSecret, "a line break after it"},
		"BodyAlone":            {set(std, standard(string(key), verifyBody)), std, WrongScheme, "the body alone signed"},
		"TimestampAndBody":     {set(body, signature.Sign(verifySecret, []byte("1640995200."+verifyBody))), body, WrongScheme, "timestamp.body"},
		"OtherForm":            {set(body, "v1,"+base64.StdEncoding.EncodeToString(mac(verifySecret, verifyBody))), body, WrongScheme, "not in that of the other"},
		"CutOff":               {set(body, whole[:40]), body, Truncated, "cut off after 40 of 71"},
		"UpperCase":            {set(body, "sha256="+strings.ToUpper(whole[7:])), body, MalformedHeader, "lower case"},
		"NoPrefix":             {set(body, whole[7:]), body, MalformedHeader, "sha256= in front"},
		"AnotherID":            {set(signature.HeaderStandardID, "evt_2"), std, HeaderChanged, "webhook-id as X-Webhook-ID has it"},
		"AnotherTime":          {set(signature.HeaderStandardTimestamp, "1640995201"), std, HeaderChanged, "webhook-timestamp as X-Webhook-Timestamp has it"},
		"MissingID":            {func(h http.Header) { h.Del(signature.HeaderStandardID) }, std, "missing_header", "webhook-id as X-Webhook-ID has it"},
		"MissingIDs": {func(h http.Header) {
			h.Del(signature.HeaderStandardID)
			h.Del(signature.HeaderID)
		}, std, "missing_header", "webhook-id as the body has it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(t, verifyBody)
			c.change(req.Header)
			if c.header == body { // a receiver that looks at this one only
				for _, name := range []string{signature.HeaderStandardID, signature.HeaderStandardTimestamp, std} {
					req.Header.Del(name)
				}
			}
			v := judged(t, req, verifySecret)
			i := slices.IndexFunc(v.Signatures, func(s Signature) bool { return s.Header == c.header })
			if with := v.Signatures[i].With; len(with) != 1 || !strings.Contains(with[0], c.say) {
				t.Errorf("would verify with %q, want %q: %+v", with, c.say, v)
			}
			if v.Verified || v.Mistake != c.mistake {
				t.Errorf("the mistake is %s, want %s: %s", v.Mistake, c.mistake, v.Says)
			}
		})
	}
}

// TestVerifySecrets: a secret that was copied wrongly is told from another one.
func TestVerifySecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ secret, mistake, says string }{
		"WithoutPrefix": {strings.TrimPrefix(verifySecret, "whsec_"), "invalid_secret", "with whsec_ in front"},
		"Quoted":        {`"` + verifySecret + `"`, "invalid_secret", "without the quotes"},
		"Another":       {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", WrongSecret, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := judged(t, request(t, verifyBody), c.secret)
			if v.Verified || v.Mistake != c.mistake {
				t.Errorf("the mistake is %s: %s", v.Mistake, v.Says)
			}
			if with := strings.Join(v.Signatures[0].With, ";"); !strings.Contains(with, c.says) || c.says == "" && with != "" {
				t.Errorf("would verify with %q, want %q", with, c.says)
			}
			if strings.Contains(v.Says+strings.Join(v.Hints, " "), c.secret) {
				t.Errorf("it shows the secret: %+v", v)
			}
		})
	}
}

// TestVerifyHooktest: nothing that a receiver has to refuse is taken.
func TestVerifyHooktest(t *testing.T) {
	t.Parallel()
	for _, m := range hooktest.Mistakes() {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			if m == hooktest.HugeBody {
				t.Skip("its signatures are right; the size is for the server to refuse")
			}
			r := hooktest.NewRequest(t, verifySecret, "post.created", map[string]int{"id": 1}, m)
			var body bytes.Buffer
			if _, err := body.ReadFrom(r.Body); err != nil {
				t.Fatal(err)
			}
			c := Check{Secrets: []string{verifySecret}, Now: time.Now(), Tolerance: signature.DefaultTolerance}
			if v := c.Judge(t.Context(), Request{r.Header, body.Bytes()}); v.Verified || v.Mistake == "" || v.Mistake == "unknown" {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// TestVerifyLargeBody: one change is found, also where combinations are not tried.
func TestVerifyLargeBody(t *testing.T) {
	t.Parallel()
	large := strings.Replace(verifyBody, `"a":1.50`, `"a":"`+strings.Repeat("x", 1<<20)+`"`, 1)
	req := request(t, large)
	req.Body = append(req.Body, '\n')
	if v := judged(t, req, verifySecret); v.Mistake != BodyChanged || !slices.Equal(v.Signatures[0].With, []string{withoutBreak}) {
		t.Errorf("the mistake is %s: %s", v.Mistake, v.Says)
	}
	if n := len(newSearch([]string{verifySecret}, req).tries(signature.HeaderStandardSignature)); n > 60 {
		t.Errorf("%d tries", n)
	}
}
