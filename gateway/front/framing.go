package front

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// checkFraming refuses requests that two HTTP implementations could read differently (RFC 9112 sections 2.2, 3, 5 and
// 6.3, request smuggling in section 11.2), and forms that the API has no use for. The server below is lenient in all
// of this. nil: nothing is wrong.
func checkFraming(ctx *fasthttp.RequestCtx, form proxyForm) *problem {
	h := &ctx.Request.Header
	if v := string(h.Protocol()); v != "HTTP/1.1" && v != "HTTP/1.0" {
		return badRequest("the protocol version is not one of HTTP's", "HTTP/1.1 or HTTP/1.0")
	}
	if form != formConnect && !plainMethod(h.Method()) {
		return badRequest("the request method is not one of HTTP's", "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, in capitals")
	}
	var seen fieldCount
	for rest := h.RawHeaders(); len(rest) > 0; {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok {
			return badRequest("a header line does not end in CR LF", "lines that do (RFC 9112 section 2.2)")
		}
		if rest = after; len(line) == 0 {
			break
		}
		if p := seen.line(line); p != nil {
			return p
		}
	}
	switch {
	case seen.length > 0 && seen.coding > 0:
		return badRequest("both Content-Length and Transfer-Encoding are given", "one of the two (RFC 9112 section 6.3)")
	case seen.length > 1:
		return badRequest("Content-Length is given more than once", "it once")
	case seen.coding > 1:
		return badRequest("Transfer-Encoding is given more than once", "it once")
	case seen.host > 1, seen.host == 0 && string(h.Protocol()) == "HTTP/1.1":
		return badRequest("Host is missing, or given more than once", "it once (RFC 9112 section 3.2)")
	}
	if form > formPath {
		return nil // a proxy goes by the target (RFC 9112 section 3.2.2)
	}
	return checkTarget(h.RequestURI(), seen.hostValue)
}

// fieldCount counts the fields that say where a request goes and where it ends.
type fieldCount struct {
	length, coding, host int
	hostValue            []byte
}

func (c *fieldCount) line(line []byte) *problem {
	if line[0] == ' ' || line[0] == '\t' {
		return badRequest("a header is folded over several lines", "one line for each (RFC 9112 section 5.2)")
	}
	if bytes.ContainsAny(line, "\r\n\x00") {
		return badRequest("a header holds CR, LF or NUL", "it without (RFC 9110 section 5.5)")
	}
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return badRequest("a header name is empty, or followed by a space", "Name: value (RFC 9112 section 5.1)")
	}
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		c.length++
		if v := bytes.TrimSpace(value); len(bytes.Trim(v, "0123456789")) > 0 || len(v) == 0 {
			return badRequest("Content-Length is not a number", "decimal digits")
		}
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		c.coding++
		if !bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked")) {
			return badRequest("the Transfer-Encoding is not understood", "chunked, or Content-Length instead")
		}
	case bytes.EqualFold(name, []byte("Host")):
		c.host++
		c.hostValue = bytes.TrimSpace(value)
	}
	return nil
}

func plainMethod(m []byte) bool {
	switch string(m) {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return true
	}
	return false
}

// checkTarget takes origin-form, and absolute-form when it names the host that Host names (RFC 9112 section 3.2.2).
func checkTarget(target, host []byte) *problem {
	if len(target) > 0 && target[0] == '/' {
		return nil
	}
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || !bytes.EqualFold(scheme, []byte("http")) && !bytes.EqualFold(scheme, []byte("https")) {
		return badRequest("the request target is no path", "a path such as /v1/webhooks")
	}
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if !bytes.EqualFold(rest, host) {
		return badRequest("the request target and Host name different hosts", "a path such as /v1/webhooks")
	}
	return nil
}
