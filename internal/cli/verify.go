package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/verify"
	"github.com/postrider/postrider/signature"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [FILE|-]",
		Short: "Check a captured request's signatures, and say which mistake makes one wrong",
		Long: `Check the signatures of a request that a receiver got. The request is its raw HTTP
text in a file or on standard input, or --header and --body. Nothing is sent
anywhere: this needs no deployment.

The secret is in --secret-file or the variable WEBHOOK_SECRET; several are
separated by spaces.`,
		Example: `  postrider verify request.txt --secret-file secret.txt
  postrider verify -H 'X-Webhook-Signature: sha256=…' --body body.json`,
		Args: cobra.MaximumNArgs(1),
	}
	var c captureFlags
	c.add(cmd)
	f := cmd.Flags()
	secretFile := f.String("secret-file", "", "`file` with the secrets, separated by white space (or WEBHOOK_SECRET)")
	at := f.String("at", "", "the `time` when it was received (default now)")
	tolerance := f.Duration("tolerance", signature.DefaultTolerance, "how far its timestamp may be from then")
	anyAge := f.Bool("any-age", false, "however old it is")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out, err := newPrinter(cmd, nil)
		if err != nil {
			return err
		}
		secrets, err := verifySecrets(*secretFile)
		if err != nil {
			return err
		}
		req, err := c.capture(cmd.InOrStdin(), args)
		if err != nil {
			return err
		}
		check := verify.Check{Secrets: secrets, Tolerance: *tolerance, Now: time.Now()}
		if *at != "" {
			if check.Now, err = parseTime("--at", *at, check.Now, -1); err != nil {
				return err
			}
		}
		if *anyAge {
			check.Tolerance = -1
		}
		return out.verdict(withFlags(check.Judge(cmd.Context(), req)))
	}
	return cmd
}

// verifySecrets are taken as they are in the variable; a file's line break is not
// part of one.
func verifySecrets(file string) ([]string, error) {
	text := os.Getenv("WEBHOOK_SECRET")
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, withCode(fmt.Errorf("read the secret: %w", err), ExitUsage)
		}
		text = string(raw)
	}
	secrets := strings.Fields(text)
	if len(secrets) == 0 {
		return nil, withCode(errors.New("no secret: --secret-file or WEBHOOK_SECRET"), ExitUsage)
	}
	return secrets, nil
}

func would(with []string) string {
	if len(with) == 0 {
		return ""
	}
	return "would verify with " + strings.Join(with, "; ")
}

// withFlags adds to a verdict what this command can do about it.
func withFlags(v verify.Verdict) verify.Verdict {
	switch v.Mistake {
	case verify.TooOld, verify.TooNew:
		v.Hints = append(v.Hints, "--at says when it came, --any-age does not ask.")
	case verify.InvalidSecret:
		v.Hints = append(v.Hints, `The secret is shown by "postrider endpoints secret"; it begins with whsec_, and all of it is needed.`)
	}
	return v
}

// verdict shows what was found. A request that does not verify is a failure.
func (p *printer) verdict(v verify.Verdict) error {
	if p.json {
		if err := p.value(v); err != nil {
			return err
		}
	} else {
		p.line("%s", clean(v.Says))
		t := newTable(p.w)
		for _, s := range v.Signatures {
			t.row("  "+s.Header, s.State, would(s.With))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, hint := range v.Hints {
			p.line("%s", clean(hint))
		}
	}
	if !v.Verified {
		return errSaid
	}
	return nil
}
