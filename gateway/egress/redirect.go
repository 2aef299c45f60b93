package egress

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// follow follows the redirects that a response asks for, as many as the request allows and within its time; what could
// not be followed, because there are more or the place is no URL or not as safe, is the response. Each place is dialled
// under the same guard as the first.
//
// 301, 302, 307 and 308 repeat method and body: RFC 9110 sections 15.4.2 and 15.4.3 let a POST become a GET, which would
// lose a webhook's body and look like a success. 303 is a GET without it (section 15.4.4).
func (c *Client) follow(req *Request, resp *Response, deadline time.Time) *failure {
	next, first := *req, resp.Sent
	defer func() { resp.Sent = first }() // of the attempt, not of its last leg
	for range req.Redirects {
		to := redirectOf(resp, next.URL)
		if to == "" {
			return nil
		}
		status, answered, elsewhere := resp.Status, resp.Answered, resp.Elsewhere
		if !elsewhere {
			answered = status
		}
		if !sameOrigin(next.URL, to) {
			elsewhere = true
			next.Headers = slices.DeleteFunc(slices.Clone(next.Headers), func(h record.Header) bool {
				return private(h) || req.Private != "" && strings.EqualFold(h.Name, req.Private)
			})
		}
		if status == fasthttp.StatusSeeOther && next.Method != fasthttp.MethodHead {
			next.Method, next.Body = fasthttp.MethodGet, nil
			next.Headers = slices.DeleteFunc(slices.Clone(next.Headers), aboutBody)
		}
		next.URL = to
		if next.Timeout = time.Until(deadline); next.Timeout <= 0 {
			return &failure{class: policy.ClassTimeout, timedOut: true, err: errors.New("no time was left to follow a redirect")}
		}
		resp.reset()
		resp.Elsewhere, resp.Answered = elsewhere, answered
		if f := c.do(&next, resp); f != nil {
			return &failure{class: f.class, timedOut: f.timedOut, err: fmt.Errorf("after a redirect: %w", f.err)}
		}
	}
	return nil
}

// maxLocation bounds where a redirect points to, in bytes, as a webhook's own URL is.
const maxLocation = webhook.MaxURL

// redirectOf returns where a response points to, or "" where it is none that is followed: it is no redirect, has no
// usable Location (RFC 9110 section 10.2.2), or leads from https to http.
func redirectOf(resp *Response, from string) string {
	switch resp.Status {
	case fasthttp.StatusMovedPermanently, fasthttp.StatusFound, fasthttp.StatusSeeOther,
		fasthttp.StatusTemporaryRedirect, fasthttp.StatusPermanentRedirect:
	default:
		return ""
	}
	location := resp.Header("Location")
	if len(location) == 0 || len(location) > maxLocation {
		return ""
	}
	base, err := url.Parse(from)
	if err != nil {
		return ""
	}
	to, err := base.Parse(string(location))
	switch {
	case err != nil, to.Host == "":
		return ""
	case to.Scheme == "https", to.Scheme == "http" && base.Scheme == "http":
		return to.String()
	}
	return ""
}

// sameOrigin reports whether two URLs are of one scheme, host and port.
func sameOrigin(a, b string) bool {
	from, errFrom := originOf(a)
	to, errTo := originOf(b)
	return errFrom == nil && errTo == nil && from.https == to.https && from.host == to.host && from.port == to.port
}

func originOf(url string) (destination, error) {
	key, _, err := splitURL(url)
	if err != nil {
		return destination{}, err
	}
	return parseDestination(key)
}

// private reports whether a header is for the origin it was written for only: credentials are. A signature is none, and
// without it nobody would know who sends.
func private(h record.Header) bool {
	name := strings.ToLower(h.Name)
	return webhook.Secret(name) && !strings.Contains(name, "signature") && !strings.Contains(name, "hmac")
}

func aboutBody(h record.Header) bool {
	return len(h.Name) > 8 && strings.EqualFold(h.Name[:8], "Content-")
}
