package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func showSecret(ctx context.Context, s *session, id string) error {
	secret, err := s.api.Endpoints.Secret(ctx, id)
	return s.showSecret(secret, err)
}

func (s *session) showSecret(secret client.Secret, err error) error {
	if err != nil {
		return err
	}
	return s.out.one(field{"secret", secret.Secret}, field{"previous secret", secret.PreviousSecret}, field{"ends at", whenever(secret.ExpiresAt)})
}

func newEndpointsRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate-secret ENDPOINT", Short: "Give an endpoint a new secret, beside which the old one goes on for a while",
		Args: cobra.ExactArgs(1), ValidArgsFunction: first(endpointIDs),
	}
	overlap := cmd.Flags().Duration("overlap", 24*time.Hour, "how long the old one goes on; 0 replaces it at once")
	file := cmd.Flags().String("secret-file", "", "`file` with the new secret, - for standard input (default: one is made)")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		in := client.RotateInput{}
		var err error
		if in.Secret, err = secretFrom(s.in, *file); err != nil {
			return err
		}
		if cmd.Flags().Changed("overlap") {
			in.Overlap = new(int(*overlap / time.Second))
		}
		rotated, err := s.api.Endpoints.Rotate(ctx, args[0], in)
		if err != nil {
			return err
		}
		return s.out.one(field{"secret", rotated.Secret}, field{"the old one ends", when(rotated.ExpiresAt)})
	})
	return cmd
}
