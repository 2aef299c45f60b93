package front

import (
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// via is what the gateway adds to Via (RFC 9110 section 7.6.3).
const via = "1.1 sluice"

// proxied is what the header of a request to be passed on says: to the gateway, and to the destination.
type proxied struct {
	headers  []record.Header // for the destination, in their order and case
	token    []byte          // nil: none
	flow     string
	priority record.Priority
	async    bool // Prefer: respond-async
	// announced is Trailer's value; trailers: TE says that the client takes those of the response (RFC 9110 section 10.1.4).
	announced string
	trailers  bool

	webhook record.Webhook // that it would be
}

var proxieds = sync.Pool{New: func() any { return new(proxied) }}

// forget lets the next request have the memory. Nothing of the request may be looked at any more.
func (r *proxied) forget() {
	clear(r.headers)
	*r = proxied{headers: r.headers[:0]}
	proxieds.Put(r)
}

// read reads a raw header, whose framing was checked. Fields that belong to the connection (RFC 9110 section 7.6.1), or to
// the gateway, are not for the destination; Authorization and Idempotency-Key are.
func (r *proxied) read(raw string) {
	var named string // by Connection
	for line := range strings.SplitSeq(raw, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Connection") {
			named += "," + value
		}
	}
	r.headers = slices.Grow(r.headers[:0], strings.Count(raw, "\r\n")+1)
	for line := range strings.SplitSeq(raw, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.Trim(value, " \t")
		switch {
		case strings.EqualFold(name, "Trailer"):
			r.announced = strings.TrimPrefix(r.announced+","+value, ",")
		case strings.EqualFold(name, "TE"):
			r.trailers = r.trailers || names(value, "trailers") && names(named, "TE")
		case r.own(name, value), webhook.HopByHop(name), webhook.Reserved(name), named != "" && names(named, name):
		case strings.EqualFold(name, "Prefer") && names(value, "respond-async"):
			r.async = true
		default:
			r.headers = append(r.headers, record.Header{Name: name, Value: value})
		}
	}
	r.headers = append(r.headers, record.Header{Name: "Via", Value: via})
}

// own reads a field that is for the gateway.
func (r *proxied) own(name, value string) bool {
	switch {
	case strings.EqualFold(name, "Sluice-Token"):
		r.token = []byte(value)
	case strings.EqualFold(name, "Proxy-Authorization"):
		if r.token == nil {
			r.token = proxyToken(value)
		}
	case strings.EqualFold(name, "Sluice-Flow"):
		r.flow = strings.Clone(value) // which outlives the request
	case strings.EqualFold(name, "Sluice-Priority"):
		r.priority, _ = record.ParsePriority(value)
	default:
		return false
	}
	return true
}

// proxyToken reads Proxy-Authorization: Bearer (RFC 6750), or Basic with the token as password (RFC 7617), which is what
// programs send that are told of http_proxy=http://x:TOKEN@….
func proxyToken(value string) []byte {
	scheme, rest, _ := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return []byte(rest)
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(rest)
		if _, password, ok := strings.Cut(string(pair), ":"); err == nil && ok {
			return []byte(password)
		}
	}
	return []byte{}
}

// names reports whether a list, with commas between, has a word.
func names(list, word string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(one, " \t"), word) {
			return true
		}
	}
	return false
}
