package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/verify"
)

// newDeliveriesBody writes what was sent, and nothing else: for a file, or a receiver.
func newDeliveriesBody() *cobra.Command {
	cmd := &cobra.Command{
		Use: "body DELIVERY", Short: "Write the body of a delivery's requests, byte for byte", Args: cobra.ExactArgs(1), ValidArgsFunction: first(deliveryIDs),
	}
	attempt := cmd.Flags().Int("attempt", 0, "of the attempt with this `number` (default the newest)")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		got, err := s.api.Deliveries.Request(ctx, args[0], *attempt)
		if err != nil {
			return err
		}
		if got.Body == nil {
			return errors.New("the event's payload is no longer kept")
		}
		_, err = s.out.w.Write([]byte(*got.Body))
		return err
	})
	return cmd
}

// newDeliveriesVerify asks the API, which knows the secret and what was sent.
func newDeliveriesVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify DELIVERY [FILE|-]",
		Short: "Say which mistake makes a receiver's signature of a delivery wrong",
		Long: `Says which mistake makes a receiver's signature of a delivery wrong, by the endpoint's
secret, which stays where it is, and by what was sent. What the receiver got is its raw
HTTP text in a file or on standard input, or --header and --body; --signature is what it
computed. "postrider verify" does the same without a deployment, and knows less.`,
		Example: `  postrider deliveries verify dlv_… request.txt
  postrider deliveries verify dlv_… --signature sha256=…`,
		Args: cobra.RangeArgs(1, 2), ValidArgsFunction: first(deliveryIDs),
	}
	var c captureFlags
	c.add(cmd)
	f := cmd.Flags()
	attempt := f.Int("attempt", 0, "of the attempt with this `number` (default the newest)")
	computed := f.String("signature", "", "`signature` that the receiver computed")
	received := f.String("received-at", "", "the `time` when it came by the receiver's clock (default: its age does not count)")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		in := client.VerifyInput{Attempt: *attempt, Signature: *computed}
		if err := c.into(s, args[1:], &in); err != nil {
			return err
		}
		if *received != "" {
			var err error
			if in.ReceivedAt, err = parseTime("--received-at", *received, time.Now(), -1); err != nil {
				return err
			}
		}
		v, err := s.api.Deliveries.Verify(ctx, args[0], in)
		if err != nil {
			return err
		}
		return s.out.signatureVerdict(v)
	})
	return cmd
}

// into reads what the receiver got, where anything of that is given.
func (c *captureFlags) into(s *session, args []string, in *client.VerifyInput) error {
	if len(args) == 0 && len(c.headers) == 0 && c.headersFile == "" && c.body == "" {
		return nil
	}
	req, err := c.capture(s.in, args)
	if err != nil {
		return err
	}
	if len(req.Header) > 0 {
		in.Headers = make(map[string]string, len(req.Header))
	}
	for name, values := range req.Header {
		in.Headers[name] = strings.Join(values, " ")
	}
	body := string(req.Body)
	in.Body = &body
	return nil
}

// signatureVerdict shows the API's verdict as that of "postrider verify".
func (p *printer) signatureVerdict(v client.SignatureVerdict) error {
	if p.json {
		if err := p.raw(p.wire.body); err != nil {
			return err
		}
		if !v.Verified {
			return errSaid
		}
		return nil
	}
	out := verify.Verdict{Verified: v.Verified, Says: v.Says, Hints: v.Hints}
	for _, s := range v.Signatures {
		out.Signatures = append(out.Signatures, verify.Signature{Header: s.Header, State: string(s.State), With: s.WouldVerifyWith})
	}
	return p.verdict(out)
}
