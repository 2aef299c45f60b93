package front

import (
	"strings"

	"github.com/valyala/fasthttp"
)

// traceOf returns the request's traceparent (https://www.w3.org/TR/trace-context/, section 3.2), which its webhooks keep
// and carry on; empty where there is none that is right, or more than one. Sluice is no participant of the trace: it
// passes it on as it came.
func traceOf(h *fasthttp.RequestHeader) string {
	given := h.PeekAll("traceparent")
	if len(given) != 1 || !validTrace(string(given[0])) {
		return ""
	}
	return string(given[0])
}

// maxTrace bounds what later versions may add behind the fields of version 00.
const maxTrace = 256

// validTrace reports whether a text is a traceparent: version, trace id, parent id and flags, in lower-case hexadecimal
// digits. A later version may go on behind them; neither id may be zero, and version ff is none.
func validTrace(s string) bool {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(s) < length || len(s) > maxTrace || len(s) > length && (s[:2] == "00" || s[length] != '-') {
		return false
	}
	for i := range length {
		switch c := s[i]; {
		case i == 2 || i == 35 || i == 52:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	for _, c := range s[length:] {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s[:2] != "ff" && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}
