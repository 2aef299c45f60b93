package limiter

// Sources of the families that most destinations speak.
const (
	sourceItems = "RateLimit"
	sourceDraft = "RateLimit-*"
	sourceX     = "X-RateLimit-*"
	sourceXRate = "X-Rate-Limit-*"
)

// source names the family a group was read from.
func (r *Reader) source(g *group) string {
	switch g.rank {
	case rankDraft:
		return sourceDraft
	case rankX:
		return sourceX
	case rankXRate:
		return sourceXRate
	}
	var buf [maxName + 2]byte
	if g.prefix == 0 { // X-Requests-Remaining: nothing is left to name the family by
		name := g.cells[roleRemaining].name
		if name == nil {
			name = g.name
		}
		return r.intern(title(append(buf[:0], name...)))
	}
	return r.intern(append(title(append(buf[:0], g.name[:g.prefix]...)), "-*"...))
}

// title writes a field's name the way of HTTP/1: every word with a capital. It changes b.
func title(b []byte) []byte {
	start := true
	for i, c := range b {
		if c = fold(c); start && c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		b[i], start = c, c == '-'
	}
	return b
}
