package webhook

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// unquote returns the string that a JSON string stands for. The decoder has checked raw.
func unquote(raw jsontext.Value) string { return string(unquoteBytes(raw)) }

// unquoteBytes is unquote without a copy where the string stands in the text as it is.
func unquoteBytes(raw jsontext.Value) []byte {
	s := raw[1 : len(raw)-1]
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for ; i >= 0; i = bytes.IndexByte(s, '\\') {
		c := simpleEscape(s[i+1])
		if c == 0 { // \u: surrogates need care, and few senders write them
			out, _ = jsontext.AppendUnquote(out[:0], raw)
			return out
		}
		out = append(append(out, s[:i]...), c)
		s = s[i+2:]
	}
	return append(out, s...)
}

// simpleEscape returns what a backslash and c stand for (RFC 8259 section 7), 0 for \u.
func simpleEscape(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}
