package limiter

import (
	"math"
	"strconv"
)

// maxCount bounds a Limit or Remaining; what claims more is not a count.
const maxCount = 1e15

// parseNumber reads a decimal number as headers carry it: an optional sign, digits, a fraction, an exponent. Unlike
// strconv it takes no hexadecimal, no "inf", no "nan" and no underscores. frac is how many digits follow the point.
func parseNumber(b []byte) (v float64, frac int, ok bool) {
	b = trim(b)
	if len(b) == 0 || len(b) > 32 {
		return 0, 0, false
	}
	var n uint64
	digits, dot := 0, -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits++
			n = n*10 + uint64(c-'0')
		case c == '.' && dot < 0:
			dot = i
		case c == '+' || c == '-' || c == 'e' || c == 'E':
			return parseLongNumber(b)
		default:
			return 0, 0, false
		}
	}
	if digits == 0 {
		return 0, 0, false
	}
	if digits > 15 || dot == 0 || dot == len(b)-1 {
		return parseLongNumber(b)
	}
	if dot < 0 {
		return float64(n), 0, true
	}
	frac = len(b) - dot - 1
	return float64(n) / math.Pow10(frac), frac, true
}

// parseLongNumber reads what the common case of parseNumber leaves: signs, exponents, many digits.
func parseLongNumber(b []byte) (v float64, frac int, ok bool) {
	point := false
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if point {
				frac++
			}
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			point = false
		case (c == '+' || c == '-') && (i == 0 || b[i-1]|0x20 == 'e'):
		default:
			return 0, 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, 0, false
	}
	return v, frac, true
}

// parseCount reads a Limit or Remaining: 599.0 and 1e1 are counts too, words and what is beyond maxCount are not. It
// may be negative: what that means differs between the two.
func parseCount(b []byte) (int64, bool) {
	v, _, ok := parseNumber(b)
	if !ok || math.Abs(v) > maxCount {
		return 0, false
	}
	return int64(math.Floor(v)), true
}

// digits reads b as an unsigned integer of at most 9 digits.
func digits(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// trim cuts optional white space (RFC 9110 section 5.6.3) off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// fold returns c in lower case when it is an ASCII letter.
func fold(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// equalFold reports whether b is s, which is in lower case, whatever the case of b's ASCII letters.
func equalFold[T string | []byte](b []byte, s T) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if fold(b[i]) != fold(s[i]) {
			return false
		}
	}
	return true
}
