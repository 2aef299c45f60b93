package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile are requests that two implementations could read differently, or that take more than they may. Whatever
// follows them on their connection must not be answered.
func hostile() map[string]struct {
	status  int
	request string
} {
	post := func(fields, body string) string {
		return "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body
	}
	sized := func(body string) string { return post(fmt.Sprintf("Content-Length: %d\r\n", len(body)), body) }
	definition := func(rest string) string { return sized(`{"url":"http://127.0.0.1:9/",` + rest + `}`) }
	type row = struct {
		status  int
		request string
	}
	const smuggled = "DELETE /v1/hosts/smuggled.example/learned HTTP/1.1\r\nHost: localhost\r\n\r\n"
	return map[string]row{
		"CL and TE":                       {400, post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled)},
		"TE and CL":                       {400, post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"+smuggled)},
		"two lengths":                     {400, post("Content-Length: 0\r\nContent-Length: 4\r\n", smuggled)},
		"two equal lengths":               {400, post("Content-Length: 0\r\nContent-Length: 0\r\n", smuggled)},
		"a list of lengths":               {400, post("Content-Length: 0, 0\r\n", smuggled)},
		"a signed length":                 {400, post("Content-Length: +0\r\n", smuggled)},
		"a negative length":               {400, post("Content-Length: -1\r\n", smuggled)},
		"a hexadecimal length":            {400, post("Content-Length: 0x0\r\n", smuggled)},
		"a length beyond 64 bits":         {400, post("Content-Length: 99999999999999999999\r\n", smuggled)},
		"a length beyond what is taken":   {413, post("Content-Length: 999999999999\r\n", strings.Repeat(" ", 9000))},
		"an unknown coding":               {400, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"+smuggled)},
		"a disguised coding":              {400, post("Transfer-Encoding: xchunked\r\n", smuggled)},
		"two codings":                     {400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled)},
		"a chunk beyond 64 bits":          {400, post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"+smuggled)},
		"a chunk that is none":            {400, post("Transfer-Encoding: chunked\r\n", "xyz\r\n"+smuggled)},
		"obs-fold":                        {400, post("X-A: b\r\n c\r\nContent-Length: 0\r\n", smuggled)},
		"obs-fold with a tab":             {400, post("X-A: b\r\n\tContent-Length: 4\r\n", smuggled)},
		"a space before the colon":        {400, post("Content-Length : 0\r\n", smuggled)},
		"a space in a name":               {400, post("X A: b\r\n", smuggled)},
		"no name":                         {400, post(": b\r\n", smuggled)},
		"no colon":                        {400, post("Content-Length\r\n", smuggled)},
		"NUL in a value":                  {400, post("X-A: b\x00c\r\n", smuggled)},
		"CR in a value":                   {400, post("X-A: b\rContent-Length: 4\r\n", smuggled)},
		"bare LF":                         {400, "POST /v1/webhooks HTTP/1.1\nHost: localhost\n\n" + smuggled},
		"one bare LF":                     {400, post("X-A: b\nX-B: c\r\n", smuggled)},
		"two hosts":                       {400, post("Host: a.example\r\n", smuggled)},
		"no host":                         {400, "GET /v1/hosts HTTP/1.1\r\n\r\n" + smuggled},
		"user information in the target":  {400, "GET http://localhost@a.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled},
		"another scheme in the target":    {400, "GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled},
		"HTTP/1.9":                        {400, "GET /v1/hosts HTTP/1.9\r\nHost: localhost\r\n\r\n" + smuggled},
		"HTTP/0.9":                        {400, "GET /v1/hosts\r\n\r\n" + smuggled},
		"a preface of HTTP/2":             {400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		"a lower-case method":             {400, "get /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled},
		"TRACE":                           {400, "TRACE /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled},
		"a control character in the path": {400, "GET /v1/\x01hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled},
		"TLS where there is none":         {400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
		"10,000 headers":                  {431, post(strings.Repeat("X-A: b\r\n", 10_000), "")},
		"a header of 20 KiB":              {431, post("X-A: "+strings.Repeat("b", 20<<10)+"\r\n", "")},
		"a path of 20 KiB":                {431, "GET /" + strings.Repeat("b", 20<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"10,000 levels of JSON":           {400, definition(`"body":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))},
		"65 levels of JSON":               {400, definition(`"body":` + strings.Repeat("[", 65) + strings.Repeat("]", 65))},
		"a number of 700 KiB":             {400, definition(`"body":` + strings.Repeat("9", 700<<10))},
		"a number beyond all":             {400, definition(`"body":[1e999999999],"priority":1e999999999`)},
		"a name twice":                    {400, definition(`"flow":"a","flow":"b"`)},
		"a name twice, escaped":           {400, definition(`"flow":"a","fl\u006fw":"b"`)},
		"a name twice in the body":        {400, definition(`"metadata":{"a":"1","a":"2"}`)},
		"invalid UTF-8":                   {400, definition("\"flow\":\"\xff\"")},
		"half a surrogate":                {400, definition(`"flow":"\ud800"`)},
		"UTF-16":                          {400, sized("\xff\xfe{\x00}\x00")},
		"CR LF in a header's value":       {400, definition(`"headers":{"X-A":"b\r\nX-B: c"}`)},
		"NUL in a header's value":         {400, definition(`"headers":{"X-A":"b\u0000"}`)},
		"LF in a header's name":           {400, definition(`"headers":{"X-A\n":"b"}`)},
		"a colon in a header's name":      {400, definition(`"headers":{"X-A:":"b"}`)},
		"CR LF in the method":             {400, definition(`"method":"POST / HTTP/1.1\r\n"`)},
		"CR LF in the URL":                {400, sized(`{"url":"http://127.0.0.1:9/\r\nX-A: b"}`)},
		"a length as a header":            {400, definition(`"headers":{"content-length":"0"}`)},
		"a coding as a header":            {400, definition(`"headers":{"Transfer-Encoding":"chunked"}`)},
		"a body that is compressed":       {415, post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "\x1f\x8b")},
		"a body that is a form":           {415, post("Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n", "--x--")},
	}
}

// answers writes what a client sends and returns the answers until the connection ends or, where it stays open, the
// first.
func answers(t *testing.T, addr string, send func(net.Conn)) (all []*http.Response) {
	t.Helper()
	cn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = cn.Close() }()
	_ = cn.SetDeadline(time.Now().Add(time.Minute)) // an end that never comes is no answer
	var sending sync.WaitGroup
	sending.Go(func() { send(cn) })
	defer sending.Wait()
	defer func() { _ = cn.Close() }()
	for br := bufio.NewReader(cn); ; {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return all
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if all = append(all, resp); !resp.Close {
			return all
		}
	}
}

// TestHostileBytesCostTheirSenderAnAnswerAndNobodyAnything of the binary, over sockets, while slow ones are open.
func TestHostileBytesCostTheirSenderAnAnswerAndNobodyAnything(t *testing.T) {
	c := serving(t, "connections: {read_timeout: 1s, idle_timeout: 1s}\n")
	sink := freeAddr(t)
	launch(t, sink, "sink", "--listen", sink)
	var slow sync.WaitGroup
	const head = "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\n"
	for name, sent := range map[string]string{
		"no byte": "", "half a request line": "POST /v1/web", "half a header": head + "X-A: b", "half a body": head + "Content-Length: 20\r\n\r\n{",
		"half a large body": head + "Content-Length: 20000\r\n\r\n" + strings.Repeat(" ", 9000), "half a chunk": head + "Transfer-Encoding: chunked\r\n\r\nffff\r\n{",
	} {
		slow.Go(func() {
			all := answers(t, c.front, func(cn net.Conn) {
				_, err := io.WriteString(cn, sent)
				for tick := time.NewTicker(100 * time.Millisecond); err == nil && sent != ""; <-tick.C {
					_, err = io.WriteString(cn, "z") // a byte now and then does not keep it open
				}
			})
			if len(all) > 1 || len(all) == 1 && all[0].StatusCode != http.StatusRequestTimeout || len(all) == 0 && sent != "" {
				t.Errorf("%s: %+v, want 408", name, all)
			}
		})
	}
	slow.Go(func() {
		cn, err := net.Dial("tcp", c.front)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = cn.Close() }()
		_ = cn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(cn, "GET /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if all, err := io.ReadAll(cn); err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 200 ") {
			t.Errorf("an idle connection is not ended: %.100q, %v", all, err)
		}
	})
	var rows sync.WaitGroup
	for name, row := range hostile() {
		rows.Go(func() {
			all := answers(t, c.front, func(cn net.Conn) { _, _ = io.WriteString(cn, row.request) })
			if len(all) != 1 || all[0].StatusCode != row.status {
				t.Errorf("%s: %d answers, want one of %d: %+v", name, len(all), row.status, all)
			} else if kind := all[0].Header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("%s: answered as %s", name, kind)
			}
		})
	}
	for n := range 3 {
		c.deliver(t, sink, fmt.Sprint(n))
	}
	rows.Wait()
	slow.Wait()
	c.terminate(t)
	for _, word := range []string{"panic", "a request failed", "smuggled.example"} {
		if strings.Contains(c.stderr.String(), word) {
			t.Errorf("the log speaks of %s: %s", word, c.stderr.String())
		}
	}
}
