package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
)

// receiver is several in one: what is sent to /to/NAME is answered with what
// /control/NAME was told last (its status, and its body as the answer's), and with 204
// until then. GET /control/NAME is what NAME was sent last, as it came.
type receiver struct {
	url     string
	mu      sync.Mutex
	answers map[string]answer
	last    map[string][]byte
}

type answer struct {
	status int
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answers: map[string]answer{}, last: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /to/{name}", r.receive)
	mux.HandleFunc("POST /control/{name}", r.control)
	mux.HandleFunc("GET /control/{name}", r.show)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var raw []byte
	for name, values := range req.Header {
		raw = append(raw, name+": "+values[0]+"\r\n"...)
	}
	raw = append(append(raw, "\r\n"...), body...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[req.PathValue("name")] = raw
	a, told := r.answers[req.PathValue("name")]
	if !told {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (r *receiver) control(w http.ResponseWriter, req *http.Request) {
	status, err := strconv.Atoi(req.URL.Query().Get("status"))
	body, bad := io.ReadAll(req.Body)
	if err != nil || bad != nil {
		http.Error(w, "a status and a body are needed", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[req.PathValue("name")] = answer{status, body}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) show(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = w.Write(r.last[req.PathValue("name")])
}
