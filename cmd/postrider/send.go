package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func newSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "send TYPE [JSON]",
		Short:   "Publish an event; its data is the argument or standard input",
		Example: `  postrider send post.created '{"id":123,"title":"My Blog Post"}'`,
		Args:    cobra.RangeArgs(1, 2),
	}
	target := addRemote(cmd)
	id := cmd.Flags().String("id", "", "an id of your own: given twice, it is the same event")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		data, err := payload(cmd.InOrStdin(), args[1:])
		if err != nil {
			return err
		}
		in := map[string]any{"type": args[0], "data": data}
		if *id != "" {
			in["id"] = *id
		}
		answer, err := target.call(cmd.Context(), http.MethodPost, "/v1/events", in)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), string(answer))
		return nil
	}
	return cmd
}

func payload(stdin io.Reader, args []string) (json.RawMessage, error) {
	if len(args) == 1 {
		return check([]byte(args[0]))
	}
	b, err := io.ReadAll(stdin)
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return check(b)
}

func check(b []byte) (json.RawMessage, error) {
	if !json.Valid(b) {
		return nil, errors.New("the data is not valid JSON")
	}
	return b, nil
}
