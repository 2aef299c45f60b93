package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// peer adds a destination that treats each of its connections as it is told to, and closes it then.
func (w *world) peer(addr string, serve func(cn net.Conn, br *bufio.Reader)) {
	p := &place{ln: fasthttputil.NewInmemoryListener()}
	p.shutdown = p.ln.Close
	w.servers[addr] = p
	go func() {
		for {
			cn, err := p.ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer cn.Close()
				serve(cn, bufio.NewReader(cn))
			}()
		}
	}()
}

// headOf reads a message's head as it stands.
func headOf(br *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := br.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// speaking is a client's connection to the front door.
type speaking struct {
	net.Conn
	t  *testing.T
	br *bufio.Reader
}

func (w *world) dialFront() *speaking {
	w.t.Helper()
	cn, err := w.front.Dial()
	if err != nil {
		w.t.Fatal(err)
	}
	return &speaking{cn, w.t, bufio.NewReader(cn)}
}

func (s *speaking) says(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		s.t.Fatal(err)
	}
}

// hears reads a response.
func (s *speaking) hears() (*http.Response, string) {
	s.t.Helper()
	resp, err := http.ReadResponse(s.br, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

func TestALongBodyIsPassedOnAsItComesByteForByte(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 64<<10)
	const part = 100_000
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for name, c := range map[string]struct{ head, first, rest, framing, arrives string }{
		"its length told": {
			fmt.Sprintf("Content-Length: %d\r\n", len(text)), text[:part], text[part:],
			fmt.Sprintf("Content-Length: %d\r\n", len(text)), text,
		},
		"in chunks, with a trailer": {
			"Transfer-Encoding: chunked\r\nTrailer: x-SUM, X-Other\r\nX-Sum: in the head\r\n", chunk(text[:part]),
			chunk(text[part:]) + "0\r\nx-SUM: 17\r\n\r\n",
			"X-Sum: in the head\r\nVia: 1.1 sluice\r\nTrailer: x-SUM, X-Other\r\nTransfer-Encoding: chunked\r\n", text + "x-SUM: 17",
		},
		"in chunks, small": {
			"Transfer-Encoding: chunked\r\n", chunk("a"), chunk("bc") + "0\r\n\r\n", "Transfer-Encoding: chunked\r\n", "abc",
		},
		"in chunks, empty": {"Transfer-Encoding: chunked\r\n", "0\r\n", "\r\n", "Transfer-Encoding: chunked\r\n", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			whole, heads := make(chan string, 2), make(chan string, 2)
			w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
				for {
					head := headOf(br)
					if head == "" {
						return
					}
					heads <- head
					req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head), br)))
					if err != nil {
						t.Error(err)
						return
					}
					body, err := io.ReadAll(req.Body)
					if err != nil {
						t.Error(err)
					}
					for field, values := range req.Trailer {
						if field == "X-Sum" {
							body = append(body, "x-SUM: "+strings.Join(values, ",")...)
						}
					}
					whole <- string(body)
					_, _ = io.WriteString(cn, ok)
				}
			})
			w.start()
			defer w.close()
			client := w.dialFront()
			defer client.Close()
			for range 2 { // over one connection: the first was read to its end, and no further
				client.says("POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + c.head + "\r\n")
				time.Sleep(time.Second)
				client.says(c.first)
				head := ""
				if len(c.first) > 3 {
					head = <-heads // the destination hears of it before all has come
				}
				time.Sleep(time.Second)
				client.says(c.rest)
				if resp, body := client.hears(); resp.StatusCode != 200 || body != "ok" {
					t.Fatalf("%s: %d %s", name, resp.StatusCode, body)
				}
				if head == "" {
					head = <-heads
				}
				if !strings.HasSuffix(head, c.framing+"\r\n") {
					t.Errorf("%s: the destination got the head\n%swant its end to be\n%s", name, head, c.framing)
				}
				if got := <-whole; got != c.arrives {
					t.Errorf("%s: %d bytes arrived, want %d, the same", name, len(got), len(c.arrives))
				}
			}
		})
	}
}

// A client that falls silent, or goes, in the middle of its body holds the slot of its call no longer, and its part of a body is
// never taken for the whole; the host is none the worse for it.
func TestAClientThatStopsInTheMiddleOfItsBodyFreesItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all heard
		w.peer("api.example:80", func(_ net.Conn, br *bufio.Reader) {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			n, err := io.Copy(io.Discard, req.Body)
			all.add(fmt.Sprintf("%d bytes, whole: %t", n, err == nil))
		})
		w.start()
		defer w.close()
		for _, framing := range []string{"Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n30d40\r\n"} {
			for range 30 { // more failures than open the breaker
				client := w.dialFront()
				client.says("POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + framing)
				client.says(strings.Repeat("x", 200_000))
				began := time.Now()
				resp, body := client.hears()
				if took := time.Since(began); resp.StatusCode != 408 || took < 9*time.Second || took > 12*time.Second || !resp.Close {
					t.Fatalf("after %s: %d, close: %t, %s", took, resp.StatusCode, resp.Close, body)
				}
				_ = client.Close()
			}
			client := w.dialFront()
			client.says("POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + framing)
			client.says(strings.Repeat("x", 200_000))
			_ = client.Close()
			time.Sleep(time.Second)
			if status, text := w.ask("GET", "/v1/hosts/api.example:80", "", nil); !bytes.Contains(text, []byte(`"in_flight":0`)) {
				t.Errorf("%d: calls are under way still: %s", status, text)
			}
		}
		seen := all.take()
		if len(seen) != 62 {
			t.Errorf("%d calls were made, want 62: the breaker is none of a client's business", len(seen))
		}
		for _, s := range seen {
			if s != "200000 bytes, whole: false" {
				t.Errorf("the destination got %s", s)
			}
		}
	})
}

// A client that has sent nothing of a body in chunks holds no slot.
func TestNoSlotIsHeldBeforeABodyBeginsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
			for headOf(br) != "" {
				_, _ = io.WriteString(cn, ok)
			}
		})
		w.start()
		defer w.close()
		for range 2 {
			client := w.dialFront()
			defer client.Close()
			client.says("POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
			time.Sleep(time.Second)
			if status, text := w.ask("GET", "/v1/hosts/api.example:80", "", nil); status != 404 {
				t.Errorf("%d: %s", status, text)
			}
		}
	})
}

func TestADestinationThatAnswersBeforeTheBodyHasComeIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
			headOf(br)
			_, _ = io.WriteString(cn, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
		})
		w.start()
		defer w.close()
		client := w.dialFront()
		defer client.Close()
		client.says("PUT /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n")
		go func() {
			for range 100 {
				if _, err := client.Write(make([]byte, 10_000)); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		if resp, body := client.hears(); resp.StatusCode != 413 || body != "no!" || !resp.Close {
			t.Errorf("%d, close: %t, %s", resp.StatusCode, resp.Close, body)
		}
	})
}

func TestWhatStandsBehindAResponseIsPassedOnToWhoWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all heard
		w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
			for {
				head := headOf(br)
				if head == "" {
					return
				}
				all.add(head)
				_, _ = io.WriteString(cn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 17\r\n\r\n")
			}
		})
		w.start()
		defer w.close()
		client := w.dialFront()
		defer client.Close()
		for fields, want := range map[string]string{
			"TE: trailers\r\nConnection: TE\r\n": "17",
			"TE: trailers\r\n":                   "", // not said to be the connection's own, it says nothing (RFC 9110 section 10.1.4)
			"":                                   "",
		} {
			client.says("GET /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + "\r\n")
			resp, body := client.hears()
			if body != "ok" || resp.Trailer.Get("X-Sum") != want {
				t.Errorf("%q: %q, trailer %q, want %q", fields, body, resp.Trailer, want)
			}
			if asked := strings.Contains(all.take()[0], "TE: trailers\r\nConnection: TE\r\n"); asked != (want != "") {
				t.Errorf("%q: the destination was asked for trailers: %t", fields, asked)
			}
		}
	})
}

// Of a stream of events, say, the first of which may be long in coming; and of a body that breaks off the client is to see that it
// did, and not a connection that ended without an answer, upon which many repeat their request.
func TestTheHeadOfALongResponseDoesNotWaitForItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for addr, head := range map[string]string{
			"events.example:80": "Transfer-Encoding: chunked", "files.example:80": "Content-Length: 1000000",
		} {
			w.peer(addr, func(cn net.Conn, br *bufio.Reader) {
				headOf(br)
				_, _ = io.WriteString(cn, "HTTP/1.1 200 OK\r\n"+head+"\r\n\r\n")
				time.Sleep(10 * time.Second)
			})
		}
		w.start()
		defer w.close()
		for _, host := range []string{"events.example", "files.example"} {
			client := w.dialFront()
			client.says("GET /proxy/http://" + host + "/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
			began := time.Now()
			resp, err := http.ReadResponse(client.br, nil)
			if err != nil || resp.StatusCode != 200 || time.Since(began) > time.Second {
				t.Fatalf("%s: %v, %v after %s; want the head at once", host, resp, err, time.Since(began))
			}
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%s: a body that broke off passes for whole", host)
			}
			client.Close()
		}
	})
}

func TestUpgradesAreNotCarriedAndInterimResponsesArePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		answer := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"
		var all heard
		w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
			all.add(headOf(br))
			_, _ = io.WriteString(cn, answer)
		})
		w.start()
		defer w.close()
		client := w.dialFront()
		defer client.Close()
		const upgrade = "GET /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		client.says(upgrade)
		if resp, body := client.hears(); resp.StatusCode != 502 || !strings.Contains(body, "upgrades are not carried") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		if head := all.take()[0]; strings.Contains(head, "pgrade") {
			t.Errorf("an upgrade was asked for:\n%s", head)
		}
		answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok
		client.says(upgrade)
		if resp, body := client.hears(); resp.StatusCode != 200 || body != "ok" || resp.Header.Get("Link") != "" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
}

func TestAClientThatExpectsToBeToldToGoOnIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all heard
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			all.add(fmt.Sprintf("%d %q", len(ctx.PostBody()), ctx.Request.Header.Peek("Expect")))
		})
		w.start()
		defer w.close()
		client := w.dialFront()
		defer client.Close()
		client.says("POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n")
		if head := headOf(client.br); head != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("%q", head)
		}
		client.says(strings.Repeat("x", 300_000))
		if resp, body := client.hears(); resp.StatusCode != 200 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		if seen := all.take(); len(seen) != 1 || seen[0] != `300000 ""` {
			t.Errorf("the destination got %q", seen)
		}
	})
}

// What is left of a refused request's body is not taken for the next request, and its client hears why it was refused.
func TestARefusedRequestsBodyIsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer w.close()
		inner := "GET /v1/hosts HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
		for want, head := range map[int]string{
			403: "POST /proxy/http://10.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
			400: "POST /proxy/ftp://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
			502: "POST /proxy/http://nowhere.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
			413: "POST /proxy/http://nowhere.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: 1\r\n",
		} {
			for _, size := range []int{2000, 200_000} {
				body := strings.Repeat(inner, size/len(inner)+1)
				framing := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
				if want == 413 {
					body = strings.Repeat(inner, 200_000/len(inner))
					framing = "Content-Length: 99999999999\r\n\r\n"
				}
				client := w.dialFront()
				go func() { _, _ = io.WriteString(client, head+framing+body) }()
				if resp, text := client.hears(); resp.StatusCode != want {
					t.Errorf("%s%d bytes: %d %s", head, size, resp.StatusCode, text)
				}
				_ = client.SetReadDeadline(time.Now().Add(3 * time.Minute))
				if next, err := http.ReadResponse(client.br, nil); err == nil {
					_ = next.Body.Close()
					t.Errorf("%s%d bytes: what followed was answered with %d", head, size, next.StatusCode)
				} else if errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				_ = client.Close()
			}
		}
	})
}

// The access log tells lengths; it reads no body for that.
func TestAnAccessLogKeepsNoBodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Log.Access = true
		more := make(chan struct{})
		w.peer("api.example:80", func(cn net.Conn, br *bufio.Reader) {
			headOf(br)
			_, _ = io.WriteString(cn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
			<-more
			_, _ = io.WriteString(cn, "3\r\ntwo\r\n0\r\n\r\n")
		})
		w.start()
		defer w.close()
		client := w.dialFront()
		defer client.Close()
		client.says("GET /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		headOf(client.br)
		first := make([]byte, len("3\r\none\r\n"))
		if _, err := io.ReadFull(client.br, first); err != nil || !bytes.Contains(first, []byte("one")) {
			t.Errorf("%q (%v)", first, err)
		}
		close(more)
		if rest := headOf(client.br); rest != "3\r\ntwo\r\n0\r\n\r\n" && rest != "3\r\n" {
			t.Errorf("%q", rest)
		}
	})
}
