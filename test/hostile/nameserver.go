package hostile

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// What a name may be instead of addresses.
const (
	Fails  = "fails"  // the server says that it can't tell
	Silent = "silent" // the server says nothing
)

// NameServer is a DNS server on loopback. It knows the names it was told.
type NameServer struct {
	conn net.PacketConn
	wg   sync.WaitGroup
	mu   sync.Mutex
	// answers are what a name is, one after the other; the last one stays.
	answers map[string][][]string
	asked   map[string]int
}

// NewNameServer starts one.
func NewNameServer(t testing.TB) *NameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &NameServer{conn: conn, answers: map[string][][]string{}, asked: map[string]int{}}
	s.wg.Go(s.serve)
	t.Cleanup(func() {
		conn.Close()
		s.wg.Wait()
	})
	return s
}

// Addr is where it listens.
func (s *NameServer) Addr() string { return s.conn.LocalAddr().String() }

// Is makes a name lead to addresses, or to another name (CNAME), or be Fails or
// Silent; without any it has no address. With several lists each question for an
// address gets the next one.
func (s *NameServer) Is(name string, lists ...[]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[name+"."], s.asked[name+"."] = lists, 0
}

// Asked is how often somebody wanted a name's IPv4 addresses.
func (s *NameServer) Asked(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name+"."]
}

// Resolver asks the name server at addr and nobody else.
func Resolver(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "udp", addr)
		if err == nil {
			// A lookup that nobody waits for any more would read on for seconds, and be
			// the goroutine that a package's tests leak.
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}}
}

func (s *NameServer) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buf[:n]) != nil || len(query.Questions) != 1 {
			continue
		}
		answer := s.answer(query)
		if answer == nil {
			continue
		}
		if packed, err := answer.Pack(); err == nil {
			_, _ = s.conn.WriteTo(packed, from) // who asked will ask again
		}
	}
}

// answer is nil where none is given.
func (s *NameServer) answer(query dnsmessage.Message) *dnsmessage.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	question := query.Questions[0]
	out := &dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: query.ID, Response: true, RecursionDesired: query.RecursionDesired, RecursionAvailable: true,
		},
		Questions: query.Questions,
	}
	name := question.Name.String()
	if _, known := s.answers[strings.ToLower(name)]; !known {
		out.RCode = dnsmessage.RCodeNameError
		return out
	}
	for {
		list := s.next(strings.ToLower(name), question.Type)
		switch {
		case len(list) == 1 && list[0] == Silent:
			return nil
		case len(list) == 1 && list[0] == Fails:
			out.RCode = dnsmessage.RCodeServerFailure
			return out
		case len(list) == 1 && strings.HasSuffix(list[0], "."):
			out.Answers = append(out.Answers, record(name, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(list[0])}))
			name = list[0]
			continue
		}
		for _, text := range list {
			if addr := netip.MustParseAddr(text); addr.Is4() && question.Type == dnsmessage.TypeA {
				out.Answers = append(out.Answers, record(name, &dnsmessage.AResource{A: addr.As4()}))
			} else if addr.Is6() && question.Type == dnsmessage.TypeAAAA {
				out.Answers = append(out.Answers, record(name, &dnsmessage.AAAAResource{AAAA: addr.As16()}))
			}
		}
		return out
	}
}

// next is what a name is this time. Questions for IPv4 addresses count, as each
// look-up makes one of either kind.
func (s *NameServer) next(name string, kind dnsmessage.Type) []string {
	lists := s.answers[name]
	if len(lists) == 0 {
		return nil
	}
	n := min(s.asked[name], len(lists)-1)
	if kind == dnsmessage.TypeA {
		s.asked[name]++
	}
	return lists[n]
}

func record(name string, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET},
		Body:   body,
	}
}
