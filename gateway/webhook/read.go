package webhook

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads a text that is one definition and nothing else. Faults are all that is wrong with it; the definition is
// nil when there are any.
func Parse(text []byte, now time.Time, d *Defaults) (*Definition, Faults) {
	return new(Reader).Parse(text, now, d)
}

// Reader reads definitions, one at a time, and keeps for the next what memory it took to read the last: of the text it
// keeps nothing but the names of its members. The zero value is ready.
type Reader struct{ outer, inner scanner }

// Parse is the function Parse.
func (p *Reader) Parse(text []byte, now time.Time, d *Defaults) (*Definition, Faults) {
	dec := p.Begin(text)
	defer p.End()
	def, faults, err := p.Read(dec, text, now, d)
	if err != nil {
		return nil, Faults{SyntaxFault(err)}
	}
	if faults == nil {
		if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
			return nil, Faults{{Problem: "something follows the definition", Want: "one JSON object and nothing after it"}}
		}
	}
	return def, faults
}

// Begin returns a decoder of a text that holds definitions among other things. It is the Reader's, until End.
func (p *Reader) Begin(text []byte) *jsontext.Decoder { return p.outer.over(text) }

// End lets go of the text.
func (p *Reader) End() { p.outer.forget() }

// Read reads the next value of a decoder as a definition. text is what dec reads, from its beginning, as given to Begin.
// err is set when the text cannot be read on: it is not JSON there (SyntaxFault shows it).
func (p *Reader) Read(dec *jsontext.Decoder, text []byte, now time.Time, d *Defaults) (*Definition, Faults, error) {
	r := reading{defaults: d, now: now, inner: &p.inner}
	if err := r.fields(dec, text); err != nil {
		return nil, nil, err
	}
	if r.notObject {
		return nil, r.faults.list(), nil
	}
	def := r.definition()
	if r.faults.any() {
		return nil, r.faults.list(), nil
	}
	return def, nil, nil
}

// scanner is a decoder that is used again. The decoder reads a bytes.Buffer in place.
type scanner struct {
	text bytes.Buffer
	dec  jsontext.Decoder
}

func (s *scanner) over(text []byte, options ...jsontext.Options) *jsontext.Decoder {
	s.text = *bytes.NewBuffer(text)
	s.dec.Reset(&s.text, options...)
	return &s.dec
}

func (s *scanner) forget() { s.over(nil) }

// each walks over the members of an object, or the elements of an array, whose name is nil. raw has been checked.
func (s *scanner) each(raw jsontext.Value, visit func(i int, name, value jsontext.Value)) {
	dec := s.over(raw, lenient)
	defer s.forget()
	open, _ := dec.ReadToken()
	for i := 0; dec.PeekKind() != ']' && dec.PeekKind() != '}'; i++ {
		var name jsontext.Value
		if open.Kind() == '{' {
			name, _ = readValue(dec, raw)
		}
		value, err := readValue(dec, raw)
		if err != nil {
			return
		}
		visit(i, name, value)
	}
}
