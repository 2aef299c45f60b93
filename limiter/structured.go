package limiter

// The list syntax that every generation of the RateLimit fields shares, and the vendors' imitations of it: members
// apart by commas, each a value or key=value with parameters behind semicolons, strings in double quotes. What follows
// Structured Fields (RFC 9651) is read as they say; what strays from it is read as far as it makes sense, because
// `100;w=21600` under a name of their own, `window=60` and unquoted names are sent by destinations that matter.

// member is one member of a list, as slices of the field's value.
type member struct {
	key    []byte // before an equals sign; nil for a bare value
	value  []byte // without its quotes
	params []byte // what follows the first semicolon
	quoted bool   // the value was a string
}

// nextMember cuts the first member off a list. Escapes within strings are left as they stand: names that differ in
// nothing else are unheard of, and nothing must be allocated here.
func nextMember(b []byte) (m member, rest []byte, ok bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == ',') {
		b = b[1:]
	}
	if len(b) == 0 {
		return member{}, nil, false
	}
	end := until(b, ',')
	body := b[:end]
	rest = b[end:]
	semicolon := until(body, ';')
	if semicolon < len(body) {
		m.params = body[semicolon+1:]
	}
	m.key, m.value = keyValue(body[:semicolon])
	m.quoted = len(body) > 0 && body[0] == '"'
	return m, rest, true
}

// nextParam cuts the first parameter off a member's parameters.
func nextParam(b []byte) (key, value, rest []byte, ok bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == ';') {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil, nil, nil, false
	}
	end := until(b, ';')
	key, value = keyValue(b[:end])
	if key == nil { // a parameter without a value is a flag
		key, value = value, nil
	}
	return key, value, b[end:], true
}

// keyValue splits at the first equals sign outside of a string and strips white space and quotes. A byte sequence
// (between colons, RFC 9651 section 3.3.5) may end in equals signs that separate nothing.
func keyValue(b []byte) (key, value []byte) {
	b = trim(b)
	if at := until(b, '='); at < len(b) && at > 0 && b[0] != ':' {
		return trim(b[:at]), unquote(b[at+1:])
	}
	return nil, unquote(b)
}

// until returns where c first stands outside of a string (RFC 9651 section 3.3.3), or len(b). A quote that is never
// closed quotes all that follows.
func until(b []byte, c byte) int {
	for i := 0; i < len(b); i++ {
		if b[i] == c {
			return i
		}
		if b[i] == '"' {
			i = stringEnd(b, i)
		}
	}
	return len(b)
}

// stringEnd returns the index of the quote that closes the string opened at i, or len(b) when none does.
func stringEnd(b []byte, i int) int {
	for j := i + 1; j < len(b); j++ {
		switch b[j] {
		case '\\':
			j++
		case '"':
			return j
		}
	}
	return len(b)
}

func unquote(b []byte) []byte {
	b = trim(b)
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}
