package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/verify"
)

// captureFlags are where a request is.
type captureFlags struct {
	headers     []string
	headersFile string
	body        string
}

func (c *captureFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&c.headers, "header", "H", nil, "`'Name: value'` that came with it")
	f.StringVar(&c.headersFile, "headers-file", "", "`file` with a header on each line")
	f.StringVar(&c.body, "body", "", "`file` with the body's very bytes, - for standard input")
}

// capture reads the request.
func (c *captureFlags) capture(stdin io.Reader, args []string) (verify.Request, error) {
	byFlags := len(c.headers) > 0 || c.headersFile != "" || c.body != ""
	switch {
	case byFlags && len(args) > 0:
		return verify.Request{}, usageError("a request is in a file, or in --header and --body: not both")
	case byFlags:
		return c.fromFlags(stdin)
	}
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	raw, err := readFile(stdin, name)
	if err != nil {
		return verify.Request{}, err
	}
	return parseRequest(raw)
}

func (c *captureFlags) fromFlags(stdin io.Reader) (verify.Request, error) {
	lines := strings.Join(c.headers, "\r\n")
	if c.headersFile != "" {
		raw, err := readFile(stdin, c.headersFile)
		if err != nil {
			return verify.Request{}, err
		}
		lines += "\r\n" + strings.Trim(string(raw), "\r\n")
	}
	req, err := parseRequest([]byte(strings.TrimLeft(lines, "\r\n") + "\r\n\r\n"))
	if err != nil {
		return verify.Request{}, err
	}
	if c.body == "" {
		return verify.Request{}, usageError("where is the body? --body names its file")
	}
	req.Body, err = readFile(stdin, c.body)
	return req, err
}

func parseRequest(raw []byte) (verify.Request, error) {
	req, err := verify.ParseRequest(raw)
	if errors.Is(err, verify.ErrNoRequest) {
		err = withCode(err, ExitUsage)
	}
	return req, err
}

func readFile(stdin io.Reader, name string) ([]byte, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, withCode(err, ExitUsage)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, verify.MaxRequestBytes+1))
	if err == nil && len(raw) > verify.MaxRequestBytes {
		err = withCode(fmt.Errorf("%s is larger than %d bytes: that is no request of Postrider's", name, verify.MaxRequestBytes), ExitUsage)
	}
	return raw, err
}
