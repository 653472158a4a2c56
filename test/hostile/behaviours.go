package hostile

import (
	"strings"
	"time"
)

const (
	ok      = "HTTP/1.1 200 OK\r\n"
	chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	now     = 200 * time.Millisecond
	lots    = 64 << 20 // stands for endless: far more than is read
)

// hanging receivers would go on for ever.
func hanging() []Behaviour {
	all := []Behaviour{
		{Name: "NeverReads", Does: "accepts connections and never reads", Serve: (*Conn).Stay},
		{Name: "NeverAnswers", Does: "reads the request and never answers", Serve: stays("")},
		{Name: "SpellsItsHeaders", Does: "sends its headers a byte a second", Serve: spells(ok + "Content-Length: 2\r\n\r\nok")},
		{Name: "GoesOnToHint", Does: "sends `100 Continue` or `103 Early Hints` now and then, for ever", Serve: drips(now, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")},
		{Name: "SendsNoBody", Does: "sends its headers and never a body", Status: 200, Serve: stays(ok + "Content-Length: 5\r\n\r\n")},
		{Name: "SpellsItsBody", Does: "sends its body a byte a second", Status: 200, Serve: drips(time.Second, ok+"Content-Length: 100\r\n\r\n", "a")},
		{Name: "SendsTrailersForEver", Does: "sends trailers for ever", Status: 200, Serve: drips(now, chunked+"0\r\n", "X-A: b\r\n")},
		{Name: "SendsLessBody", Does: "sends less body than its `Content-Length` says, and stays connected", Status: 200, Body: []byte("abc"), Serve: stays(ok + "Content-Length: 5\r\n\r\nabc")},
		{Name: "NeverShakesHands", Does: "never answers the TLS handshake", HTTPS: true, Serve: (*Conn).Stay},
		{Name: "NameServerIsSilent", Does: "has a name server that is silent until the timeout", Host: "silent.example", Serve: answers(ok)},
	}
	for i := range all {
		all[i].Hangs = true
	}
	return all
}

// breaking receivers end the connection too soon.
func breaking() []Behaviour {
	const closes = "closes the connection before the body's end"
	return []Behaviour{
		{Name: "Refuses", Does: "listens on no such port"},
		{Name: "ClosesAtOnce", Does: "closes the connection at once", Serve: func(*Conn) {}},
		{Name: "ResetsAtOnce", Does: "resets the connection before it has read the request", Serve: (*Conn).Reset},
		{Name: "ResetsAfterTheRequest", Does: "resets the connection after it has read the request", Serve: func(c *Conn) { c.Request(); c.Reset() }},
		{Name: "ClosesAfterTheRequest", Does: "reads the request and closes the connection", Serve: once("")},
		{Name: "ClosesInItsHeaders", Does: "closes the connection in its headers", Serve: once(ok + "X-A: b\r\n")},
		{Name: "ClosesAfterContinue", Does: "closes the connection after `100 Continue`", Serve: once("HTTP/1.1 100 Continue\r\n\r\n")},
		{Name: "ClosesInItsBody", Does: closes, Status: 200, Body: []byte("abc"), Serve: once(ok + "Content-Length: 10\r\n\r\nabc")},
		{Name: "ResetsInItsBody", Does: "resets the connection before the body's end", Status: 200, Serve: func(c *Conn) {
			if req := c.Request(); req != nil && c.Send(ok+"Content-Length: 100000\r\n\r\nabc") {
				// A reset takes along what was not read: let it be read.
				<-time.After(now)
				c.Reset()
			}
		}},
		{Name: "ClosesBeforeTheLastChunk", Does: "closes the connection before the last chunk", Status: 200, Body: []byte("abc"), Serve: once(chunked + "3\r\nabc\r\n")},
		{Name: "ClosesInTheHandshake", Does: "closes the connection in the TLS handshake", HTTPS: true, Serve: func(c *Conn) { _, _ = c.in.ReadByte() }},
	}
}

// malformed receivers speak something else, or HTTP badly.
func malformed() []Behaviour {
	all := []Behaviour{
		{Name: "Garbage", Does: "sends garbage", Serve: once("\x7f\x01\x02\xff\xfe garbage\r\n\r\n")},
		{Name: "HTTP09", Does: "answers in HTTP/0.9", Serve: once("<html>ok</html>\r\n")},
		{Name: "Banner", Does: "sends another protocol's banner", Serve: func(c *Conn) { c.Send("SSH-2.0-OpenSSH_9.2\r\n"); c.Stay() }},
		{Name: "HTTP2", Does: "speaks HTTP/2 without being asked", Serve: func(c *Conn) { c.Send("\x00\x00\x00\x04\x00\x00\x00\x00\x00"); c.Stay() }},
		{Name: "HTTP2Preface", Does: "sends the preface of an HTTP/2 client", Serve: stays("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
		{Name: "TLS", Does: "speaks TLS where the URL says http", Serve: once("\x15\x03\x01\x00\x02\x02\x46")},
		{Name: "SendsTheRequestBack", Does: "sends the request back", Serve: func(c *Conn) {
			var b [64 << 10]byte
			if n, err := c.Read(b[:]); err == nil {
				c.Send(string(b[:n]))
			}
			c.Stay()
		}},
		{Name: "NoVersion", Does: "sends a status line without a version", Serve: once("200 OK\r\n\r\n")},
		{Name: "Status99", Does: "sends the status 99", Serve: once("HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n")},
		{Name: "Status099", Does: "sends the status 099", Serve: once("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n")},
		{Name: "Status1000", Does: "sends the status 1000", Serve: once("HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n")},
	}
	for name, head := range map[string][2]string{
		"NoColon":         {"sends a header without a colon", "nonsense\r\n"},
		"NUL":             {"sends a NUL in a header", "X-A: a\x00b\r\n"},
		"FoldsTheFirst":   {"folds its first header (a line that begins with a space)", " X-A: b\r\n"},
		"TwoLengths":      {"sends two different `Content-Length`", "Content-Length: 1\r\nContent-Length: 2\r\n"},
		"NegativeLength":  {"sends a negative `Content-Length`", "Content-Length: -1\r\n"},
		"UnknownEncoding": {"sends an unknown `Transfer-Encoding`", "Transfer-Encoding: banana\r\n"},
	} {
		all = append(all, Behaviour{Name: name, Does: head[0], Serve: once(ok, head[1], "\r\nab")})
	}
	return append(all,
		Behaviour{Name: "BadChunkSize", Does: "sends a chunk whose size is no number", Status: 200, Serve: once(chunked + "zz\r\nabc")},
		Behaviour{Name: "LongChunk", Does: "sends a chunk longer than it says", Status: 200, Serve: once(chunked + "3\r\nabcdef\r\n0\r\n\r\n")})
}

// endlessly are receivers that would send until the disk is full.
func endlessly() []Behaviour {
	line := "X-A: " + strings.Repeat("b", 1000) + "\r\n"
	piece := strings.Repeat("a", 32<<10)
	return []Behaviour{
		{Name: "EndlessHeaders", Does: "sends headers for ever", Serve: endless(ok, line, lots)},
		{Name: "EndlessHeader", Does: "sends one header for ever", Serve: endless(ok+"X-A: ", piece, lots)},
		{Name: "EndlessStatusLine", Does: "sends a status line for ever", Serve: endless("HTTP/1.1 200 ", piece, lots)},
		{Name: "Flood1xx", Does: "floods us with 1xx answers", Serve: endless("", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n", 1000), lots)},
		{Name: "EndlessChunkExtension", Does: "sends a chunk extension for ever", Status: 200, Serve: endless(chunked+"1;", piece, lots)},
	}
}

// unnamed receivers are not in DNS; see Names.
func unnamed() []Behaviour {
	return []Behaviour{
		{Name: "NoSuchName", Does: "has a name that does not exist", Host: "nowhere.example", Serve: answers(ok)},
		{Name: "NoAddress", Does: "has a name without an address", Host: "empty.example", Serve: answers(ok)},
		{Name: "NameServerFails", Does: "has a name server that fails", Host: "broken.example", Serve: answers(ok)},
	}
}

// Names tells a name server what the behaviours' hosts are.
func Names(s *NameServer) {
	s.Is("empty.example")
	s.Is("broken.example", []string{Fails})
	s.Is("silent.example", []string{Silent})
}

func statuses() []Behaviour {
	const empty = "\r\nContent-Length: 0\r\n\r\n"
	redirect := func(to string) func(*Conn) {
		return answers("HTTP/1.1 302 Found\r\nLocation: ", to, empty)
	}
	return []Behaviour{
		{Name: "Fails", Does: "answers a 4xx or 5xx", Status: 500, Body: []byte("no"), Serve: answers("HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")},
		{Name: "Gone", Does: "answers `410 Gone`", Status: 410, Serve: answers("HTTP/1.1 410 Gone", empty)},
		{Name: "Unnamed", Does: "answers with a status that has no name", Status: 799, Serve: answers("HTTP/1.1 799 Whatever", empty)},
		{Name: "RedirectsToLoopback", Does: "redirects to a loopback address", Status: 302, Serve: redirect("http://127.0.0.1/")},
		{Name: "RedirectsToMetadata", Does: "redirects to a metadata address", Status: 302, Serve: redirect("http://169.254.169.254/latest/meta-data/")},
		{Name: "NotModified", Does: "answers a 3xx that leads nowhere", Status: 304, Serve: answers("HTTP/1.1 304 Not Modified\r\n\r\n")},
		{Name: "Switches", Does: "answers `101 Switching Protocols`", Status: 101, Serve: stays("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxxxx")},
	}
}
