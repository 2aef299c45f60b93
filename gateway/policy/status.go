package policy

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// The HTTP status codes there are (RFC 9110 section 15).
const (
	minStatus = 100
	maxStatus = 599
)

// StatusSet is a set of HTTP status codes, 100 to 599. The zero value is empty; sets are compared with ==.
type StatusSet [(maxStatus-minStatus)/64 + 1]uint64

// Statuses returns the set of the codes from first to last, both included and both within 100 to 599.
func Statuses(first, last int) StatusSet {
	var s StatusSet
	for code := max(first, minStatus); code <= min(last, maxStatus); code++ {
		s[(code-minStatus)/64] |= 1 << ((code - minStatus) % 64)
	}
	return s
}

// ParseStatuses reads one item of a set: a code (404), a class of codes (4xx), ten of them (20x), or a range
// (400-499).
func ParseStatuses(text string) (StatusSet, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		first = strings.ReplaceAll(text, "x", "0")
		last = strings.ReplaceAll(text, "x", "9")
		if n := strings.TrimRight(text, "x"); len(text) == 3 && strings.Contains(n, "x") || n == "" {
			return StatusSet{}, errStatuses(text)
		}
	}
	low, okLow := parseCode(first)
	high, okHigh := parseCode(last)
	if !okLow || !okHigh || low > high {
		return StatusSet{}, errStatuses(text)
	}
	return Statuses(low, high), nil
}

// WantStatuses says what ParseStatuses reads.
const WantStatuses = "a status such as 404, 4xx, 20x or 400-499, of 100 to 599"

func errStatuses(text string) error { return fmt.Errorf("statuses %.20q: want %s", text, WantStatuses) }

func parseCode(text string) (code int, ok bool) {
	if len(text) != 3 {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && n >= minStatus && n <= maxStatus
}

// Has reports whether the set holds a code. A code outside 100 to 599 counts as 500: RFC 9110 section 15 has such
// responses processed as if they were a server error.
func (s StatusSet) Has(code int) bool {
	if code < minStatus || code > maxStatus {
		code = 500
	}
	return s[(code-minStatus)/64]&(1<<((code-minStatus)%64)) != 0
}

// Union returns what is in either set.
func (s StatusSet) Union(o StatusSet) StatusSet {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// Len returns how many codes the set holds.
func (s StatusSet) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Items returns the fewest items that ParseStatuses reads as the set, from the lowest code up: whole classes as 4xx,
// other runs as ranges or single codes.
func (s StatusSet) Items() []string {
	var items []string
	for code := minStatus; code <= maxStatus; {
		if !s.Has(code) {
			code++
			continue
		}
		if code%100 == 0 && s.holds(code, code+99) {
			items = append(items, strconv.Itoa(code/100)+"xx")
			code += 100
			continue
		}
		last := code
		for last < maxStatus && s.Has(last+1) && ((last+1)%100 != 0 || !s.holds(last+1, last+100)) {
			last++
		}
		switch {
		case last == code:
			items = append(items, strconv.Itoa(code))
		case code%10 == 0 && last == code+9:
			items = append(items, strconv.Itoa(code/10)+"x")
		default:
			items = append(items, strconv.Itoa(code)+"-"+strconv.Itoa(last))
		}
		code = last + 1
	}
	return items
}

func (s StatusSet) holds(first, last int) bool {
	all := Statuses(first, last)
	return s.Union(all) == s
}

// String returns the items, with commas between them.
func (s StatusSet) String() string { return strings.Join(s.Items(), ", ") }
