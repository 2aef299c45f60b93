package configs

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	File    string `json:"file,omitempty"`   // as it was named to Parse; empty for what no file says
	Line    int    `json:"line,omitempty"`   // from 1; 0: not in a file
	Column  int    `json:"column,omitempty"` // from 1; 0: not in a file
	Path    string `json:"path,omitempty"`   // as in limits.hosts[2].ceiling; empty for the file as a whole
	Value   string `json:"value,omitempty"`  // what was found, shortened; empty when a key is missing
	Problem string `json:"problem"`          // what is wrong with it
	Want    string `json:"want"`             // what would be right
}

// maxShown bounds how much of a value is repeated in a fault, in bytes.
const maxShown = 80

// String returns the fault in one line: file:line: path: value: problem; want ….
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(printable(f.File) + ":")
		if f.Line > 0 {
			b.WriteString(strconv.Itoa(f.Line) + ":")
		}
		b.WriteByte(' ')
	}
	for _, part := range []string{f.Path, printable(f.Value)} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(f.Problem + "; want " + f.Want)
	return b.String()
}

// printable returns s, quoted where it would not stand in one line as it is.
func printable(s string) string {
	if isPlain(s) {
		return s
	}
	return strconv.Quote(s)
}

// isPlain reports whether s has nothing but what prints.
func isPlain(s string) bool {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return false
		}
	}
	return true
}

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

// Faults is every fault of a configuration, by line; never empty when it is returned as an error.
type Faults []Fault

// Error returns the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func compareFaults(a, b Fault) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
}

// valueError is why a text is not a value of its type: what UnmarshalText methods return and Fault carries.
type valueError struct{ problem, want string }

// Error returns both halves, for callers that are not Parse: flags, or other YAML and JSON readers.
func (e *valueError) Error() string { return fmt.Sprintf("%s; want %s", e.problem, e.want) }
