package hostile

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

const gigabyte = 1 << 30

// odd receivers answer in ways that count all the same.
func odd() []Behaviour {
	piece := strings.Repeat("x", 32<<10)
	first := bytes.Repeat([]byte("x"), webhook.MaxResponseBytes)
	return []Behaviour{
		{Name: "Gigabyte", Does: "sends a body of 1 GB", Status: 200, Body: first, Serve: endless(ok+"Content-Length: "+strconv.Itoa(gigabyte)+"\r\n\r\n", piece, gigabyte)},
		{Name: "EndlessChunks", Does: "sends chunks for ever", Status: 200, Body: first, Serve: endless(chunked, "8000\r\n"+piece+"\r\n", gigabyte)},
		{Name: "GzipBomb", Does: "sends a gzip bomb", Status: 200, Body: bomb()[:webhook.MaxResponseBytes], Serve: func(c *Conn) {
			once(ok, "Content-Encoding: gzip\r\nContent-Length: ", strconv.Itoa(len(bomb())), "\r\n\r\n", string(bomb()))(c)
		}},
		{Name: "NoUTF8", Does: "sends a body that is no UTF-8", Status: 200, Body: []byte("a\xff\x00\xfe\xc3"), Serve: answers(ok + "Content-Length: 5\r\n\r\na\xff\x00\xfe\xc3")},
		{Name: "BodyOn204", Does: "sends a body with `204 No Content`", Status: 204, Body: []byte{}, Serve: answers("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")},
		{Name: "MoreBody", Does: "sends more body than its `Content-Length` says", Status: 200, Body: []byte("ab"), Serve: answers(ok + "Content-Length: 2\r\n\r\nabcdef")},
		{Name: "LengthAndChunks", Does: "sends `Content-Length` and `Transfer-Encoding`", Status: 200, Body: []byte("ok"), Serve: answers(ok + "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
		{Name: "Folds", Does: "folds a header over two lines", Status: 200, Body: []byte("ok"), Serve: answers(ok + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok")},
		{Name: "HeadersNoUTF8", Does: "sends headers that are no UTF-8", Status: 200, Body: []byte("ok"), Serve: answers(ok + "X-A: b\xff\xfe\r\nContent-Length: 2\r\n\r\nok")},
		{Name: "SameLengthTwice", Does: "sends `Content-Length` twice, but the same", Status: 200, Body: []byte("ok"), Serve: answers(ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok")},
		{Name: "HTTP10", Does: "answers in HTTP/1.0, and closes", Status: 200, Body: []byte("ok"), Serve: once("HTTP/1.0 200 OK\r\n\r\nok")},
	}
}

// bomb is 64 MiB of zeros, compressed once.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		_, err = io.CopyN(w, zeros{}, 64<<20)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // memory takes everything
	}
	return b.Bytes()
})

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
