package webhook

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Fault is one thing wrong with a definition.
type Fault struct {
	Path     string // JSON Pointer (RFC 6901) of the field; empty: the whole definition
	Value    string // what it holds, shortened, credentials masked; empty: nothing to show
	Problem  string // what is wrong with it
	Want     string // what would be right
	TooLarge bool   // the definition is well-formed, but more than is accepted (HTTP's 413)
}

// Error returns the fault in one line.
func (f Fault) Error() string {
	var b strings.Builder
	if f.Path != "" {
		b.WriteString(f.Path)
		b.WriteString(": ")
	}
	if f.Value != "" {
		b.WriteString(f.Value)
		b.WriteString(": ")
	}
	b.WriteString(f.Problem)
	if f.Want != "" {
		b.WriteString(": want ")
		b.WriteString(f.Want)
	}
	return b.String()
}

// Faults are all the faults of one definition, in the order of its documentation.
type Faults []Fault

// TooLarge reports whether size is among what is wrong.
func (f Faults) TooLarge() bool {
	for i := range f {
		if f[i].TooLarge {
			return true
		}
	}
	return false
}

// SyntaxFault shows an error of Read.
func SyntaxFault(err error) Fault {
	f := Fault{Problem: "not valid JSON: it ends too soon", Want: "JSON text in UTF-8 (RFC 8259), no name twice in an object"}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return f
	}
	f.Path = Shorten(string(syntax.JSONPointer))
	if errors.Is(syntax.Err, io.ErrUnexpectedEOF) {
		return f
	}
	f.Problem = fmt.Sprintf("not valid JSON at byte %d", syntax.ByteOffset)
	if syntax.Err != nil {
		f.Problem += ": " + Shorten(syntax.Err.Error())
	}
	return f
}

func tooLarge(n, most int) Fault {
	return Fault{
		Value: fmt.Sprintf("%d bytes", n), Problem: "the webhook is too large", TooLarge: true,
		Want: fmt.Sprintf("at most %d bytes of URL, headers, body and metadata together", most),
	}
}

// complaint is what is wrong with a value, whoever asked.
type complaint struct{ problem, want string }

func (c *complaint) Error() string { return c.problem + ": want " + c.want }

// faultList collects faults, the first maxFaults of them: a hostile definition could have as many as it has bytes.
type faultList struct {
	faults Faults
	more   int
}

func (l *faultList) any() bool { return len(l.faults) > 0 }

func (l *faultList) add(f Fault) {
	if len(l.faults) == maxFaults && !f.TooLarge {
		l.more++
		return
	}
	l.faults = append(l.faults, f)
}

func (l *faultList) list() Faults {
	if l.more > 0 {
		return append(l.faults, Fault{Problem: fmt.Sprintf("%d more faults", l.more), Want: "those above mended first"})
	}
	return l.faults
}

const shownBytes = 80

// Shorten returns the beginning of what a fault shows, and how long the whole was.
func Shorten(s string) string {
	if len(s) <= shownBytes {
		return s
	}
	end := shownBytes
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:end], len(s))
}
