package webhook

import "strings"

// Reserved reports whether a header says how a request is framed, where it goes, or how its connection is used (RFC 9110
// sections 7.2, 7.6.1, 8.6 and 10.1.1, RFC 9112 section 6): the gateway's own business with each destination, so that none of them
// is taken from who wants something sent.
func Reserved(name string) bool {
	switch len(name) {
	case 4:
		return strings.EqualFold(name, "Host")
	case 6:
		return strings.EqualFold(name, "Expect")
	case 14:
		return strings.EqualFold(name, "Content-Length")
	}
	return ofConnection(name)
}

// HopByHop reports whether a header is a connection's own, which whoever passes a message on leaves out (RFC 9110 sections 7.6.1
// and 11.7).
func HopByHop(name string) bool {
	switch len(name) {
	case 18:
		return strings.EqualFold(name, "Proxy-Authenticate")
	case 19:
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return ofConnection(name)
}

func ofConnection(name string) bool {
	switch len(name) {
	case 2:
		return strings.EqualFold(name, "TE")
	case 7:
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 16:
		return strings.EqualFold(name, "Proxy-Connection")
	case 17:
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}
