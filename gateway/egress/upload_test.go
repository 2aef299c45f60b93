package egress

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// sent is what an upload puts on the wire behind its head.
func sent(t testing.TB, u *Upload) (head, body string, err error) {
	t.Helper()
	if err := u.check(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	bw := bufio.NewWriter(&b)
	err = u.writeTo(bw)
	return string(u.appendFraming(nil)), b.String(), err
}

func TestAnUploadIsFramedAsItsLengthIsTold(t *testing.T) {
	fields := func(f ...string) func() []record.Header {
		return func() (all []record.Header) {
			for i := 0; i < len(f); i += 2 {
				all = append(all, record.Header{Name: f[i], Value: f[i+1]})
			}
			return all
		}
	}
	for name, c := range map[string]struct {
		u          Upload
		head, body string
	}{
		"told": {Upload{Reader: strings.NewReader("hello"), Length: 5}, "Content-Length: 5\r\n", "hello"},
		"told, and a reader that has more": {
			Upload{Reader: strings.NewReader("hello world"), Length: 5}, "Content-Length: 5\r\n", "hello",
		},
		"told to be nothing": {Upload{Reader: strings.NewReader(""), Length: 0}, "Content-Length: 0\r\n", ""},
		"not told": {
			Upload{Reader: strings.NewReader("hello"), Length: -1}, "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n",
		},
		"not told, byte by byte": {
			Upload{Reader: iotest.OneByteReader(strings.NewReader("ab")), Length: -1}, "Transfer-Encoding: chunked\r\n",
			"1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
		},
		"not told, and nothing": {Upload{Reader: strings.NewReader(""), Length: -1}, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"},
		"not told, an end that comes with the last bytes": {
			Upload{Reader: iotest.DataErrReader(strings.NewReader("ab")), Length: -1}, "Transfer-Encoding: chunked\r\n",
			"2\r\nab\r\n0\r\n\r\n",
		},
		"with a trailer, less what none may hold": {
			Upload{
				Reader: strings.NewReader("a"), Length: -1, Announced: "x-Sum",
				Trailer: fields("x-Sum", "1", "Host", "evil", "content-length", "9", "Connection", "close", "Authorization", "x",
					"X-Bad", "a\r\nb", "X Y", "1", "X-Too", "2"),
			},
			"Trailer: x-Sum\r\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nx-Sum: 1\r\nX-Too: 2\r\n\r\n",
		},
	} {
		head, body, err := sent(t, &c.u)
		if err != nil || head != c.head || body != c.body {
			t.Errorf("%s: %q %q (%v), want %q %q", name, head, body, err, c.head, c.body)
		}
	}
}

func TestAnUploadThatBreaksOffIsNoFaultOfTheDestination(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{})
	broken := errors.New("the client went away")
	for name, u := range map[string]*Upload{
		"told":              {Reader: io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), Length: 10},
		"not told":          {Reader: io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), Length: -1},
		"shorter than told": {Reader: strings.NewReader("abc"), Length: 10},
	} {
		var resp Response
		body := c.Open(&Request{Method: "POST", URL: s.url + "/", Upload: u}, &resp)
		if body != nil || resp.Class != policy.ClassCanceled || resp.TimedOut {
			t.Errorf("%s: class %q (%v), want %s", name, resp.Class, resp.Err, policy.ClassCanceled)
		}
	}
}

// FuzzUpload has any body, in parts of any size, arrive as it was read, and what follows it stand behind it.
func FuzzUpload(f *testing.F) {
	f.Add([]byte("hello"), uint16(2), true, "17")
	f.Add([]byte("0\r\n\r\nGET / HTTP/1.1\r\n"), uint16(1), true, "\r\n")
	f.Add(bytes.Repeat([]byte{0}, 50_000), uint16(20_000), false, "")
	f.Fuzz(func(t *testing.T, body []byte, part uint16, chunks bool, value string) {
		u := &Upload{Reader: &inParts{body, int(part)%40_000 + 1}, Length: int64(len(body))}
		if chunks {
			u.Length, u.Announced = -1, "X-Sum"
			u.Trailer = func() []record.Header { return []record.Header{{Name: "X-Sum", Value: value}} }
		}
		head, wire, err := sent(t, u)
		if err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\n" + head + "\r\n" + wire + "behind"))
		req, err := http.ReadRequest(br)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(req.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes arrived of %d (%v)", len(got), len(body), err)
		}
		if rest, err := io.ReadAll(br); string(rest) != "behind" {
			t.Fatalf("behind it stands %q (%v)", rest, err)
		}
	})
}

// inParts hands out its bytes in parts of a size.
type inParts struct {
	left []byte
	part int
}

func (p *inParts) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(len(p.left), p.part)])
	p.left = p.left[n:]
	return n, nil
}
