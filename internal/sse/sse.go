// Package sse writes server-sent events: the API's stream, and what keeps the console's
// pages up to date.
package sse

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Type is the content type of a stream.
const Type = "text/event-stream"

// patience is how long a reader may take nothing at all.
const patience = time.Minute

// Writer writes a stream. After an error it writes nothing more.
type Writer struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last time.Time
	err  error
}

// Begin begins the answer; retry is when the reader comes back once it breaks off.
func Begin(w http.ResponseWriter, retry time.Duration) *Writer {
	s := &Writer{w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", Type)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // else nginx keeps messages back
	w.WriteHeader(http.StatusOK)
	// The server's time for reading the request would end the stream: it goes on
	// reading, to see that its reader went. It fails where there is no connection.
	_ = s.rc.SetReadDeadline(time.Time{})
	s.Write(fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds()))
	return s
}

// Write sends whole messages, at once.
func (s *Writer) Write(messages []byte) {
	if s.err != nil {
		return
	}
	s.last = time.Now()
	_ = s.rc.SetWriteDeadline(s.last.Add(patience))
	if _, s.err = s.w.Write(messages); s.err == nil {
		s.err = s.rc.Flush()
	}
}

// Send sends a message of one or several lines.
func (s *Writer) Send(event string, data []byte) {
	out := append([]byte("event: "+event), "\ndata: "...)
	data = bytes.ReplaceAll(data, []byte("\r"), nil) // it would end a line, too
	out = append(out, bytes.ReplaceAll(data, []byte("\n"), []byte("\ndata: "))...)
	s.Write(append(out, "\n\n"...))
}

// Last is when something was sent.
func (s *Writer) Last() time.Time { return s.last }

// Err is why nothing more is written, such as that the reader is gone.
func (s *Writer) Err() error { return s.err }
