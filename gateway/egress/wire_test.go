package egress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestTheDestinationGetsWhatTheCallerWrote(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{UserAgent: "Sluice/1.2.3"})
	for _, x := range []struct {
		name string
		req  Request
		want string // HOST stands for the authority
	}{
		{
			"headers in order and case, twice and empty",
			Request{Method: "POST", URL: "/x", Body: []byte("{}"), Headers: []record.Header{
				{Name: "x-b", Value: "2"}, {Name: "Cookie", Value: "b=2;a=1"}, {Name: "CONTENT-type", Value: "application/json"},
				{Name: "X-a", Value: "1"}, {Name: "x-B", Value: "3"}, {Name: "X-Empty", Value: ""}, {Name: "cookie", Value: "c"},
				{Name: "uSER-aGENT", Value: "mine"}, {Name: "X-Latin", Value: "caf\xe9"},
			}},
			"POST /x HTTP/1.1\r\nHost: HOST\r\nx-b: 2\r\nCookie: b=2;a=1\r\nCONTENT-type: application/json\r\nX-a: 1\r\n" +
				"x-B: 3\r\nX-Empty: \r\ncookie: c\r\nuSER-aGENT: mine\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\n\r\n{}",
		},
		{
			"a user agent where there is none",
			Request{Method: "GET", URL: "/"},
			"GET / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Sluice/1.2.3\r\n\r\n",
		},
		{
			"no body where one has a meaning",
			Request{Method: "PUT", URL: "/"},
			"PUT / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Sluice/1.2.3\r\nContent-Length: 0\r\n\r\n",
		},
		{
			"any bytes as a body, more than fit one write",
			Request{Method: "DELETE", URL: "/", Body: bytes.Repeat([]byte("\x00\r\n\xff"), 5000)},
			"DELETE / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Sluice/1.2.3\r\nContent-Length: 20000\r\n\r\n" +
				strings.Repeat("\x00\r\n\xff", 5000),
		},
	} {
		x.req.URL = s.url + x.req.URL
		resp := do(c, x.req)
		want := strings.Replace(x.want, "HOST", strings.TrimPrefix(s.url, "http://"), 1)
		if got := s.last(); resp.Err != nil || got != want {
			t.Errorf("%s: got\n%.900q\nwant\n%.900q (%v)", x.name, got, want, resp.Err)
		}
	}
}

func TestPathAndQueryAreSentByteForByte(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{})
	for given, want := range map[string]string{
		"":                        "/",
		"?a=b":                    "/?a=b",
		"?":                       "/?",
		"/?":                      "/?",
		"#f":                      "/",
		"?a#f":                    "/?a",
		"/a#f?x":                  "/a",
		"/a%2Fb%2fc":              "",
		"//a//b///":               "",
		"/a/../b/./c/..":          "",
		"/..":                     "",
		"/a%20b+c":                "",
		"/caf%C3%A9/%u00e9":       "",
		"/café?q=ü":               "",
		"/a;b=c;d?x;y":            "",
		"/%zz%":                   "",
		"/a?":                     "",
		"/a?b=c&b=d&=&&":          "",
		"/a?b=http://x/y?z":       "",
		"/a\\b":                   "",
		"/{a}|^`\"<>":             "",
		"/:@!$&'()*+,;=-._~%7E":   "",
		"/webhook/T0/B0/XXX?a[]=": "",
	} {
		if want == "" {
			want = given
		}
		resp := do(c, Request{Method: "POST", URL: s.url + given})
		if got, _, _ := strings.Cut(s.last(), " HTTP/1.1\r\n"); resp.Err != nil || got != "POST "+want {
			t.Errorf("%q was sent as %q, want %q (%v)", given, got, want, resp.Err)
		}
	}
}

func TestUnsendableRequestsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{})
	header := func(name, value string) Request {
		return Request{Method: "POST", Headers: []record.Header{{Name: name, Value: value}}}
	}
	for i, req := range []Request{
		{}, {Method: "PO ST"}, {Method: "POST\r\nX: y"}, {Method: "GÉT"},
		{Method: "POST", URL: "/a b"}, {Method: "POST", URL: "/a\r\nX: y"}, {Method: "POST", URL: "/\x00"}, {Method: "POST", URL: "/\x7f"},
		header("", "x"), header("a b", "x"), header("a:", "x"), header("a\r\n", "x"), header("é", "x"),
		header("a", "x\r\ny: z"), header("a", "x\ny"), header("a", "\x00"), header("a", "\x7f"),
		header("host", "x"), header("Content-Length", "0"), header("TRANSFER-encoding", "chunked"), header("Connection", "close"),
		header("keep-alive", "x"), header("Proxy-Connection", "x"), header("Upgrade", "x"), header("Expect", "100-continue"),
		header("TE", "trailers"), header("Trailer", "x"),
	} {
		req.URL = s.url + req.URL
		resp := do(c, req)
		if !errors.Is(resp.Err, ErrRequest) || resp.Class != policy.ClassBlocked || !resp.Sent.IsZero() {
			t.Errorf("%d: %+v: %q %v", i, req, resp.Class, resp.Err)
		}
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	resp := do(c, header("Authorization", "Bearer s3cret\n"))
	if resp.Err == nil || strings.Contains(resp.Err.Error(), "s3cret") {
		t.Errorf("the error tells a credential: %v", resp.Err)
	}
}

// answer is what is read of one response.
type answer struct {
	status    int
	headers   string // "name=value " each
	body      string
	truncated bool
	reuse     bool // the connection serves the next request
	class     policy.ErrorClass
}

func TestResponsesAreReadAsRFC9112Says(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, x := range []struct {
		name, raw string
		method    string // "": POST
		want      answer
	}{
		{name: "a length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
			want: answer{200, "Content-Length=5 ", "hello", false, true, ""}},
		{name: "headers as received",
			raw:  "HTTP/1.1 429 Too Many\r\nretry-AFTER:  7 \r\nX-a:\r\nSet-Cookie: b\r\nx-A:\tc\r\nContent-Length: 0\r\n\r\n",
			want: answer{429, "Content-Length=0 Set-Cookie=b retry-AFTER=7 X-a= x-A=c ", "", false, true, ""}},
		{name: "no reason", raw: "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n",
			want: answer{503, "Content-Length=0 ", "", false, true, ""}},
		{name: "an unknown status", raw: "HTTP/1.1 799 x\r\nContent-Length: 0\r\n\r\n",
			want: answer{799, "Content-Length=0 ", "", false, true, ""}},
		{name: "chunks",
			raw:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0A \r\n0123456789\r\n0\r\nT: v\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "abc0123456789", false, true, ""}},
		{name: "chunks, none", raw: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "", false, true, ""}},
		{name: "up to the close", raw: "HTTP/1.1 200 OK\r\n\r\nabc", want: answer{200, "Connection=close ", "abc", false, false, ""}},
		{name: "HTTP/1.0", raw: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
			want: answer{200, "Content-Length=1 Connection=close ", "a", false, false, ""}},
		{name: "HTTP/1.0 kept", raw: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
			want: answer{200, "Content-Length=1 Connection=Keep-Alive ", "a", false, true, ""}},
		{name: "told to close", raw: "HTTP/1.1 200 OK\r\nconnection: x, Close\r\nContent-Length: 1\r\n\r\na",
			want: answer{200, "Content-Length=1 connection=x, Close ", "a", false, false, ""}},
		{name: "204", raw: "HTTP/1.1 204 No Content\r\n\r\n", want: answer{204, "", "", false, true, ""}},
		{name: "304 with a length", raw: "HTTP/1.1 304 x\r\nContent-Length: 10\r\n\r\n",
			want: answer{304, "Content-Length=10 ", "", false, true, ""}},
		{name: "HEAD with a length", method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
			want: answer{200, "Content-Length=10 ", "", false, true, ""}},
		{name: "informational first",
			raw: "HTTP/1.1 100 Continue\r\n\r\n" +
				"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 0\r\n\r\n",
			want: answer{202, "Content-Length=0 ", "", false, true, ""}},
		{name: "folded", raw: "HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\n\t\r\n\td\r\nContent-Length: 0\r\n\r\n",
			want: answer{200, "Content-Length=0 X-A=b c  d ", "", false, true, ""}},
		{name: "length and chunks",
			raw:  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "a", false, true, ""}},
		{name: "more than was asked for", raw: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
			want: answer{200, "Content-Length=1 ", "a", false, false, ""}},
		{name: "longer than kept", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + long,
			want: answer{200, "Content-Length=5000 ", long[:4096], true, true, ""}},
		{name: "longer than kept, in chunks",
			raw:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + long + "\r\n0\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", long[:4096], true, true, ""}},
		{name: "exactly what is kept, in chunks",
			raw:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + long[:4096] + "\r\n0\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", long[:4096], false, true, ""}},
		{name: "an immense length", raw: "HTTP/1.1 500 x\r\nContent-Length: 99999999999\r\n\r\n" + long,
			want: answer{500, "Content-Length=99999999999 ", long[:4096], true, false, ""}},
		{name: "an immense chunk",
			raw:  "HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n0fffffffffffffff\r\n" + long,
			want: answer{500, "Transfer-Encoding=chunked ", long[:4096], true, false, ""}},
		{name: "broken off within the body", raw: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
			want: answer{200, "Content-Length=9 ", "abc", true, false, ""}},
		{name: "broken off within chunks", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
			want: answer{200, "Transfer-Encoding=chunked ", "abc", true, false, ""}},
		{name: "a chunk size that is none", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "", true, false, ""}},
		{name: "a chunk size too large",
			raw:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "", true, false, ""}},
		{name: "a chunk longer than it says",
			raw:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
			want: answer{200, "Transfer-Encoding=chunked ", "a", true, false, ""}},

		{name: "nothing", raw: "", want: answer{class: policy.ClassReset}},
		{name: "half a head", raw: "HTTP/1.1 200 OK\r\nContent-", want: answer{class: policy.ClassReset}},
		{name: "only something informational", raw: "HTTP/1.1 100 Continue\r\n\r\n",
			want: answer{class: policy.ClassReset}},
		{name: "another protocol", raw: "SSH-2.0-OpenSSH_9.6\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "HTTP/2", raw: "HTTP/2 200\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "HTTP/1.9", raw: "HTTP/1.9 200 OK\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "no status", raw: "HTTP/1.1 OK\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "a status too long", raw: "HTTP/1.1 2000 OK\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "a status too small", raw: "HTTP/1.1 099 OK\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "a status of zeros", raw: "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "101", raw: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", want: answer{class: policy.ClassProtocol}},
		{name: "an odd head that is not final", raw: "HTTP/1.1 103 x\r\nnonsense\r\n\r\n",
			want: answer{class: policy.ClassProtocol}},
		{name: "an odd head that has no end", raw: "HTTP/1.1 200 OK\r\nnonsense\r\n",
			want: answer{class: policy.ClassReset}},
		{name: "a head too long", raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", MaxHead) + "\r\n\r\n",
			want: answer{class: policy.ClassProtocol}},
		{name: "a line without end", raw: strings.Repeat("y", 2*MaxHead), want: answer{class: policy.ClassProtocol}},
		{name: "too many fields", raw: "HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\r\n", maxFields+1) + "\r\n",
			want: answer{class: policy.ClassProtocol}},
		{name: "informational without end", raw: strings.Repeat("HTTP/1.1 100 x\r\n\r\n", 2000),
			want: answer{class: policy.ClassProtocol}},
		{name: "a large head",
			raw:  "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 12000) + "\r\nContent-Length: 0\r\n\r\n",
			want: answer{200, "Content-Length=0 X=" + strings.Repeat("y", 12000) + " ", "", false, true, ""}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := serve(t, func(cn net.Conn, _ []byte) string {
				if !x.want.reuse {
					defer cn.Close()
				}
				return x.raw
			})
			if x.method == "" {
				x.method = "POST"
			}
			c := local(t, Settings{})
			req := Request{Method: x.method, URL: s.url, Timeout: 5 * time.Second}
			resp := do(c, req)
			got := answer{resp.Status, fields(resp), string(resp.Body), resp.Truncated, do(c, req).Reused, resp.Class}
			if got != x.want {
				t.Errorf("got  %.300v (%v, %v)\nwant %.300v", got, resp.Err, resp.BodyErr, x.want)
			}
			if (resp.Err == nil) != (resp.Class == "") || (resp.Err == nil) == resp.Received.IsZero() {
				t.Errorf("class %q, error %v, received %s do not agree", resp.Class, resp.Err, resp.Received)
			}
		})
	}
}

func TestAStatusThatWasGivenCountsThoughItsFieldsAreUnreadable(t *testing.T) {
	for name, head := range map[string]string{
		"a line that is no field":      "HTTP/1.1 200 OK\r\nX-A: b\r\nnonsense\r\nContent-Length: 1\r\n\r\n",
		"a field without a name":       "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 1\r\n\r\n",
		"a fold before any field":      "HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 1\r\n\r\n",
		"a control character":          "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 1\r\n\r\n",
		"bare line feeds":              "HTTP/1.1 200 OK\nContent-Length: 1\n\n",
		"no reason, bare line feeds":   "HTTP/1.0 200\n\n",
		"another coding":               "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"equal lengths":                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"equal lengths in one field":   "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"two lengths":                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"a negative length":            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"a length beyond all":          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"behind an informational one":  "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"a large head with a bad line": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 12000) + "\r\nnonsense\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(cn net.Conn, _ []byte) string {
				if !strings.Contains(head, "\r\n\r\n") {
					cn.Close() // fasthttp waits for an end with CRLF
				}
				return head + "a"
			})
			c := local(t, Settings{})
			req := Request{Method: "POST", URL: s.url, Timeout: 5 * time.Second}
			resp := do(c, req)
			if resp.Status != 200 || resp.Class != "" || resp.Err != nil || resp.Received.IsZero() {
				t.Errorf("status %d, %q, %v", resp.Status, resp.Class, resp.Err)
			}
			if fields(resp) != "" || len(resp.Body) != 0 || !resp.Truncated || !errors.Is(resp.BodyErr, errProtocol) {
				t.Errorf("of what is odd %.300q and %q were kept, truncated %t: %v", fields(resp), resp.Body, resp.Truncated, resp.BodyErr)
			}
			if do(c, req).Reused {
				t.Error("its connection was used again")
			}
		})
	}
}

func TestHeaderFindsTheFirstFieldInAnyCase(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string {
		return "HTTP/1.1 200 OK\r\nX-Aa: 1\r\nx-aA: 2\r\nContent-Length: 0\r\nX-Empty:\r\n\r\n"
	})
	resp := do(local(t, Settings{}), Request{Method: "GET", URL: s.url})
	if got := string(resp.Header("X-AA")); got != "1" {
		t.Errorf("X-AA is %q, want 1", got)
	}
	if v := resp.Header("x-empty"); v == nil || len(v) != 0 {
		t.Errorf("x-empty is %q, want it present and empty", v)
	}
	if v := resp.Header("X-A"); v != nil {
		t.Errorf("X-A is %q, want none", v)
	}
}

// Whatever a destination sends, reading it ends, keeps to its bounds, and does not depend on how it is cut into
// packets.
func FuzzResponse(f *testing.F) {
	for _, raw := range []string{
		ok, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.0 200\n\nabc",
		"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 N\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nbad\r\n x\r\nA: \x00\r\n\r\n",
	} {
		f.Add([]byte(raw), "POST")
	}
	f.Fuzz(func(t *testing.T, raw []byte, method string) {
		c := New(Settings{})
		read := func(src io.Reader) (Response, bool, error) {
			cn := &conn{Conn: recording{r: src}, origin: c.newOrigin("", destination{}, nil)}
			br := acquireReader(cn)
			r := reader{cn: cn, pooled: br, br: br}
			var resp Response
			resp.reset()
			if err := r.readHead(&resp); err != nil {
				return resp, false, err
			}
			return resp, r.readBody(&resp, method, 64, time.Now().Add(time.Minute)), nil
		}
		whole, reusable, err := read(bytes.NewReader(raw))
		if err == nil && (whole.Status < 200 || whole.Status > 999) {
			t.Fatalf("status %d", whole.Status)
		}
		n, size := 0, 0
		whole.VisitAll(func(name, value []byte) {
			n, size = n+1, size+len(name)+len(value)
			if len(name) == 0 || bytes.ContainsAny(name, "\t\r\n:") || bytes.ContainsAny(value, "\r\n\x00") {
				t.Fatalf("field %q: %q", name, value)
			}
		})
		// What fasthttp adds of its own is a Connection field.
		if len(whole.Body) > 64 || n > maxFields || size > MaxHead+len("Connectionclose") {
			t.Fatalf("bounds broken: body %d, %d fields of %d bytes", len(whole.Body), n, size)
		}
		// Bytewise, what lies behind the response is not seen, so only a connection found good here must be so there.
		piece, again, pieceErr := read(oneByte{bytes.NewReader(raw)})
		if (err == nil) != (pieceErr == nil) || whole.Status != piece.Status || !bytes.Equal(whole.Body, piece.Body) ||
			fields(&whole) != fields(&piece) || whole.Truncated != piece.Truncated || reusable && !again {
			t.Fatalf("at once: %d %q %v %t; bytewise: %d %q %v %t", whole.Status, whole.Body, err, reusable,
				piece.Status, piece.Body, pieceErr, again)
		}
	})
}

// fields are a response's fields, "name=value " each.
func fields(resp *Response) (all string) {
	resp.VisitAll(func(name, value []byte) { all += fmt.Sprintf("%s=%s ", name, value) })
	return all
}

// recording is a connection on which the other side has said all it will.
type recording struct {
	net.Conn
	r io.Reader
}

func (c recording) Read(p []byte) (int, error) { return c.r.Read(p) }

func (recording) SetReadDeadline(time.Time) error { return nil }

// oneByte reads one byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
