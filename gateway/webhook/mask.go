package webhook

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Masked stands for a value that is not shown.
const Masked = "***"

// secretWords are parts of names whose values are credentials, in lower case without - and _.
var secretWords = []string{
	"authorization", "cookie", "token", "secret", "password", "passwd", "passphrase", "signature", "credential", "apikey",
	"accesskey", "privatekey", "subscriptionkey", "sessionid", "webhookkey", "jwt", "hmac",
}

// secretNames are names that are credentials as a whole, in lower case without - and _.
var secretNames = map[string]bool{
	"key": true, "sig": true, "auth": true, "xauth": true, "pass": true, "pwd": true, "code": true, "xkey": true,
	"hapikey": true, "limitkey": true, "xamzsecuritytoken": true, "ocpapimsubscriptionkey": true,
}

var flatten = strings.NewReplacer("-", "", "_", "", ".", "", "[", "", "]", "")

// plainNames look like credentials and are none.
var plainNames = map[string]bool{"idempotencykey": true, "orderingkey": true}

// Secret reports whether the value under a name (a header, a query parameter, a field) looks like a credential. It
// errs towards masking: what is hidden can be looked up, what was shown cannot be taken back.
func Secret(name string) bool {
	flat := flatten.Replace(strings.ToLower(name))
	if secretNames[flat] {
		return true
	}
	if plainNames[flat] {
		return false
	}
	for _, word := range secretWords {
		if strings.Contains(flat, word) {
			return true
		}
	}
	return false
}

// MaskHeader returns a header's value as it may be shown: a credential as ***, its scheme kept (RFC 9110 section 11.4).
func MaskHeader(name, value string) string {
	if !Secret(name) {
		return value
	}
	scheme, credential, ok := strings.Cut(value, " ")
	if ok && credential != "" && isToken(scheme) && strings.Contains(strings.ToLower(name), "authorization") {
		return scheme + " " + Masked
	}
	return Masked
}

// MaskURL returns a URL as it may be shown: without user information, and without the values of query parameters that
// look like credentials. It takes any text: a URL that is wrong is shown as carefully.
func MaskURL(raw string) string {
	raw = withoutUser(raw)
	head, query, ok := strings.Cut(raw, "?")
	if !ok {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	b.WriteString(head)
	separator := byte('?')
	for more := true; more; {
		var pair string
		end := strings.IndexAny(query, "&;#")
		next := separator
		if more = end >= 0; more {
			pair, next, query = query[:end], query[end], query[end+1:]
		} else {
			pair = query
		}
		b.WriteByte(separator)
		separator = next
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" && Secret(unescape(name)) {
			pair = name + "=" + Masked
		}
		b.WriteString(pair)
	}
	return b.String()
}

// LogURL returns a URL as log lines have it: no user information, no query.
func LogURL(raw string) string {
	raw = withoutUser(raw)
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		return raw[:i]
	}
	return raw
}

// MaskPath returns a URL without user information, path and query, for hosts that have secrets in their paths.
func MaskPath(raw string) string {
	raw = withoutUser(raw)
	start := 0
	if i := strings.Index(raw, "//"); i >= 0 {
		start = i + 2
	}
	if i := strings.IndexAny(raw[start:], "/?#"); i >= 0 {
		return raw[:start+i] + "/" + Masked
	}
	return raw
}

// withoutUser takes everything up to the last @ of the authority out, and with it what a mistaken reader might take
// for one: the path is searched as far as the first / after the scheme, or the whole text when there is no scheme.
func withoutUser(raw string) string {
	start := 0
	if i := strings.Index(raw, "//"); i >= 0 {
		start = i + 2
	}
	end := len(raw)
	if i := strings.IndexAny(raw[start:], "/?#"); i >= 0 {
		end = start + i
	}
	if i := strings.LastIndexByte(raw[start:end], '@'); i >= 0 {
		return raw[:start] + raw[start+i+1:]
	}
	return raw
}

// unescape undoes percent-encoding well enough to recognise a name.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// shownValue is a field's value as a fault shows it.
func shownValue(name, value string) string {
	if Secret(name) {
		return fmt.Sprintf("%s (%d bytes)", Masked, len(value))
	}
	return Shorten(value)
}

// shownRaw is a value of JSON text as a fault shows it: scalars only, for an object may hold anything.
func shownRaw(name string, raw jsontext.Value) string {
	switch raw.Kind() {
	case '{', '[':
		return ""
	case '"':
		if strings.Contains(string(raw), "://") {
			return Shorten(MaskURL(string(raw)))
		}
	}
	return shownValue(name, string(raw))
}
