package egress

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestSenderTellsBrokenAnswersApart(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	bigLine := strings.Repeat("a", 1<<20)
	for name, tt := range map[string]struct {
		handle func(*receiver, *conn)
		class  webhook.ErrorClass
		detail string
	}{
		"ClosesAtOnce":         {func(*receiver, *conn) {}, webhook.ClassReset, "without an answer"},
		"ResetsAtOnce":         {func(_ *receiver, c *conn) { c.reset() }, webhook.ClassReset, "closed the connection"},
		"ClosesAfterRequest":   {once(""), webhook.ClassReset, "without an answer"},
		"ResetsAfterRequest":   {func(_ *receiver, c *conn) { c.request(); c.reset() }, webhook.ClassReset, "without an answer"},
		"ClosesInStatusLine":   {once("HTTP/1.1 2"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"ClosesInHeaders":      {once(head + "X-A: b\r\n"), webhook.ClassReset, "closed the connection"},
		"ClosesInBody":         {once(head + "Content-Length: 10\r\n\r\nabc"), webhook.ClassReset, "in the middle of its answer"},
		"ClosesInChunk":        {once(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"), webhook.ClassReset, "in the middle of its answer"},
		"ClosesBeforeLastOne":  {once(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), webhook.ClassReset, "in the middle of its answer"},
		"ClosesAfterContinue":  {once("HTTP/1.1 100 Continue\r\n\r\n"), webhook.ClassReset, "closed the connection"},
		"SendsGarbage":         {once("garbage\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsABanner":         {onceOpen("SSH-2.0-OpenSSH_9.2\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsBinary":          {once("\x00\x01\x02\xff\xfe\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsTLSAlert":        {once("\x15\x03\x01\x00\x02\x02\x46\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsHTTP2":           {once("HTTP/2 200\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsNoVersion":       {once("200 OK\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAWordForStatus":  {once("HTTP/1.1 banana\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAShortStatus":    {once("HTTP/1.1 20 OK\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsALongStatus":     {once("HTTP/1.1 2000 OK\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsStatusZero":      {once("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsStatus99":        {once("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsASignedStatus":   {once("HTTP/1.1 -20 OK\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAHeaderNoColon":  {once(head + "nonsense\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsNULInAHeader":    {once(head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsNegativeLength":  {once(head + "Content-Length: -1\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAWordForLength":  {once(head + "Content-Length: many\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsHugeLength":      {once(head + "Content-Length: 99999999999999999999\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsTwoLengths":      {once(head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsUnknownEncoding": {once(head + "Transfer-Encoding: banana\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsABadChunkSize":   {once(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAHugeChunkSize":  {once(head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsALongChunk":      {once(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsALongStatusLine": {onceOpen("HTTP/1.1 200 " + bigLine), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsALongHeader":     {onceOpen(head + "X-A: " + bigLine), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsEndlessHeaders":  {endless(head, "X-A: b\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsAnEndlessHeader": {endless(head+"X-A: ", "aaaaaaaaaaaaaaaaaaaaaaaa"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsEndless100s":     {endless("", "HTTP/1.1 100 Continue\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsEndless103s":     {endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), webhook.ClassInvalidHTTP, "not valid HTTP"},
		"SendsEndlessChunkExt": {endless(head+"Transfer-Encoding: chunked\r\n\r\n1;", "aaaaaaaaaaaaaaaaaaaa"), webhook.ClassInvalidHTTP, "not valid HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", tt.handle)
			res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
			wantError(t, res, tt.class, tt.detail)
			if got := r.requests.Load(); got > 1 {
				t.Errorf("%d requests were made, want 1: a fresh connection that breaks is the receiver's answer", got)
			}
			if len(res.Err.Detail) > 300 {
				t.Errorf("the sentence has %d bytes", len(res.Err.Detail))
			}
		})
	}
}

func TestSenderTimesOut(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	for name, tt := range map[string]struct {
		handle func(*receiver, *conn)
		detail string
	}{
		"NeverReads":        {func(r *receiver, _ *conn) { <-r.stop }, "the receiver did not answer within 0.25 s"},
		"NeverAnswers":      {onceOpen(""), "the receiver did not answer within 0.25 s"},
		"StopsInStatusLine": {onceOpen("HTTP/1."), "the receiver did not answer within 0.25 s"},
		"StopsInHeaders":    {onceOpen(head + "X-A: "), "the receiver did not answer within 0.25 s"},
		"StopsAfter100":     {onceOpen("HTTP/1.1 100 Continue\r\n\r\n"), "the receiver did not answer within 0.25 s"},
		"StopsInBody":       {onceOpen(head + "Content-Length: 9\r\n\r\nabc"), "began an answer but did not end it within 0.25 s"},
		"StopsInChunk":      {onceOpen(head + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"), "began an answer but did not end it"},
		"NeverEndsBody":     {onceOpen(head + "\r\nabc"), "began an answer but did not end it"},
		"DripsStatusLine":   {drip("HTTP/1.1 200 ", "a"), "the receiver did not answer"},
		"DripsHeaders":      {drip(head, "X-A: b\r\n"), "the receiver did not answer"},
		"Drips100s":         {drip("", "HTTP/1.1 100 Continue\r\n\r\n"), "the receiver did not answer"},
		"DripsBody":         {drip(head+"Content-Length: 100000\r\n\r\n", "a"), "began an answer but did not end it"},
		"DripsChunks":       {drip(head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"), "began an answer but did not end it"},
		"DripsTrailers":     {drip(head+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X-A: b\r\n"), "began an answer but did not end it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", tt.handle)
			c := newClient(t, loopback(), SenderConfig{})
			// The request is larger than the socket's buffers for the one who never reads.
			res := c.Do(t.Context(), Request{URL: r.url(), Body: make([]byte, 64<<10), Timeout: 250 * time.Millisecond})
			wantError(t, res, webhook.ClassTimeout, tt.detail)
			if got := r.requests.Load(); got > 1 {
				t.Errorf("%d requests were made, want 1", got)
			}
		})
	}
}

// A gigabyte must cost neither memory nor traffic.
func TestSenderKeepsTheFirst64KiBAndReadsNoMore(t *testing.T) {
	t.Parallel()
	const gigabyte = 1 << 30
	piece := strings.Repeat("x", 32<<10)
	for name, tt := range map[string]struct{ head, piece string }{
		"KnownLength": {"Content-Length: 1073741824\r\n\r\n", piece},
		"Chunked":     {"Transfer-Encoding: chunked\r\n\r\n", "8000\r\n" + piece + "\r\n"},
		"UntilClose":  {"\r\n", piece},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			done := make(chan struct{})
			r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
				defer close(done)
				c.request()
				for err := c.send("HTTP/1.1 200 OK\r\n", tt.head); err == nil && sent.Load() < gigabyte; sent.Add(int64(len(tt.piece))) {
					err = c.send(tt.piece)
				}
			})
			res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
			wantStatus(t, res, 200)
			if !bytes.Equal(res.Body, bytes.Repeat([]byte("x"), webhook.MaxResponseBytes)) {
				t.Errorf("%d bytes of body were kept, want %d", len(res.Body), webhook.MaxResponseBytes)
			}
			<-done
			// What the sockets' buffers hold was sent, and no more.
			if got := sent.Load(); got > 64<<20 {
				t.Errorf("the receiver could send %d bytes", got)
			}
		})
	}
}

func TestSenderReadsBodiesToTheirEnd(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", webhook.MaxResponseBytes)
	for name, tt := range map[string]struct {
		answer string
		status int
		body   string
	}{
		"KnownLength":      {okAnswer, 200, "ok"},
		"Empty":            {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		"NoContent":        {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		"NotModified":      {"HTTP/1.1 304 Not Modified\r\n\r\n", 304, ""},
		"Chunked":          {"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n", 202, "okay!"},
		"ChunkedTrailers":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n", 200, "ok"},
		"HTTP10":           {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"NoReason":         {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"AfterContinue":    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + okAnswer, 200, "ok"},
		"SameLengthTwice":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"Exactly64KiB":     {"HTTP/1.1 500 Oops\r\nContent-Length: 65536\r\n\r\n" + full, 500, full},
		"OneByteMore":      {"HTTP/1.1 500 Oops\r\nContent-Length: 65537\r\n\r\n" + full + "y", 500, full},
		"NotUTF8":          {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe", 200, "\xff\x00\xfe"},
		"CompressedIsKept": {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", 200, "\x1f\x8b\x08\x00"},
		"UnknownStatus":    {"HTTP/1.1 799 Whatever\r\nContent-Length: 0\r\n\r\n", 799, ""},
		"SwitchesProtocol": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxxxx", 101, ""},
		"ProxyAuth":        {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 407, ""},
		"Gone":             {"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", answering(tt.answer))
			res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
			wantStatus(t, res, tt.status)
			if string(res.Body) != tt.body {
				t.Errorf("%d bytes of body %.40q, want %d of %.40q", len(res.Body), res.Body, len(tt.body), tt.body)
			}
		})
	}
	t.Run("UntilClose", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, "127.0.0.1:0", once("HTTP/1.1 200 OK\r\n\r\nall of it"))
		res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
		wantStatus(t, res, 200)
		if string(res.Body) != "all of it" {
			t.Errorf("body %q", res.Body)
		}
	})
}

func TestSenderKeepsWhatCameBeforeTheFailure(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", once("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 10\r\n\r\nabc"))
	res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
	wantError(t, res, webhook.ClassReset, "in the middle of its answer")
	if res.StatusCode != 200 || res.Header.Get("X-A") != "b" || string(res.Body) != "abc" {
		t.Errorf("%d %v %q, want 200, X-A and abc", res.StatusCode, res.Header, res.Body)
	}
}

// A receiver that refuses a body by its size need not read it first.
func TestSenderTakesAnAnswerGivenBeforeTheBodyWasRead(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*receiver, *conn){
		"AndStays":  func(r *receiver, _ *conn) { <-r.stop },
		"AndCloses": func(*receiver, *conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
				for line := ""; line != "\r\n"; {
					var err error
					if line, err = c.in.ReadString('\n'); err != nil {
						return
					}
				}
				c.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
				leave(r, c)
			})
			c := newClient(t, loopback(), SenderConfig{})
			// More than the sockets' buffers take, so that the write can't end.
			res := c.Do(t.Context(), Request{URL: r.url(), Body: make([]byte, 32<<20), Timeout: 20 * time.Second})
			wantStatus(t, res, 413)
			if string(res.Body) != "big" {
				t.Errorf("body %q", res.Body)
			}
		})
	}
}

// An answer that nobody asked for must not be taken for the next request's.
func TestSenderDropsAConnectionThatSaysTooMuch(t *testing.T) {
	t.Parallel()
	dropped := make(chan bool)
	r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
		if _, _, ok := c.request(); ok {
			c.send(okAnswer, "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n")
		}
		_, _, again := c.request()
		select {
		case dropped <- !again:
		case <-r.stop:
		}
	})
	c := newClient(t, loopback(), SenderConfig{})
	for range 20 {
		wantStatus(t, post(t, c, r.url()), 200)
		select {
		case ok := <-dropped:
			if !ok {
				t.Fatal("the connection was used again")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the connection was kept")
		}
	}
}
