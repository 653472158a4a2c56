package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// captured is a request that a receiver got.
type captured struct {
	header http.Header
	body   []byte
}

// captureFlags are where a request is.
type captureFlags struct {
	headers     []string
	headersFile string
	body        string
}

// mostCaptured is more than a receiver reads of a body, with its headers.
const mostCaptured = 4 << 20

func (c *captureFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&c.headers, "header", "H", nil, "`'Name: value'` that came with it")
	f.StringVar(&c.headersFile, "headers-file", "", "`file` with a header on each line")
	f.StringVar(&c.body, "body", "", "`file` with the body's very bytes, - for standard input")
}

// capture reads the request.
func (c *captureFlags) capture(stdin io.Reader, args []string) (captured, error) {
	byFlags := len(c.headers) > 0 || c.headersFile != "" || c.body != ""
	switch {
	case byFlags && len(args) > 0:
		return captured{}, usageError("a request is in a file, or in --header and --body: not both")
	case byFlags:
		return c.fromFlags(stdin)
	}
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	raw, err := readFile(stdin, name)
	if err != nil {
		return captured{}, err
	}
	return parseRequest(raw)
}

func (c *captureFlags) fromFlags(stdin io.Reader) (captured, error) {
	lines := strings.Join(c.headers, "\r\n")
	if c.headersFile != "" {
		raw, err := readFile(stdin, c.headersFile)
		if err != nil {
			return captured{}, err
		}
		lines += "\r\n" + strings.Trim(string(raw), "\r\n")
	}
	header, _, err := parseHeaders([]byte(strings.TrimLeft(lines, "\r\n") + "\r\n\r\n"))
	if err != nil {
		return captured{}, err
	}
	if c.body == "" {
		return captured{}, usageError("where is the body? --body names its file")
	}
	body, err := readFile(stdin, c.body)
	return captured{header, body}, err
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
	raw, err := io.ReadAll(io.LimitReader(in, mostCaptured+1))
	if err == nil && len(raw) > mostCaptured {
		err = withCode(fmt.Errorf("%s is larger than %d bytes: that is no request of Postrider's", name, mostCaptured), ExitUsage)
	}
	return raw, err
}

var requestLine = regexp.MustCompile(`^[A-Z]+ \S+ HTTP/[0-9.]+\r?\n`)

// parseRequest reads raw HTTP, with or without its first line. What comes after the
// empty line is the body, to its last byte: a Content-Length that says otherwise is
// one of the mistakes to look for.
func parseRequest(raw []byte) (captured, error) {
	raw = raw[len(requestLine.Find(raw)):]
	header, body, err := parseHeaders(raw)
	return captured{header, body}, err
}

// parseHeaders reads headers up to an empty line.
func parseHeaders(raw []byte) (http.Header, []byte, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, withCode(errors.New("this is no HTTP request: headers ('Name: value'), an empty line, the body"), ExitUsage)
	}
	body, err := io.ReadAll(r)
	return http.Header(header), body, err
}
