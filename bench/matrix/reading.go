package matrix

import "github.com/sluice-gateway/sluice/limiter"

// reading reads responses' headers as the gateway does. The baselines read with it, too: they are to be beaten in what
// they do with what they read.
type reading struct {
	reader limiter.Reader
	text   []byte // of the response being read
	hint   limiter.Hint
}

// read returns what a response says of limits, until the next one is read; nil when it says nothing.
func (rd *reading) read(r *Response) *limiter.Hint {
	rd.reader.Reset(r.Status, r.Sent, r.Received)
	rd.text = rd.text[:0]
	for _, f := range r.Fields {
		rd.text = append(append(rd.text, f.Name...), f.Value...)
	}
	rest := rd.text
	for _, f := range r.Fields {
		n, v := len(f.Name), len(f.Value)
		rd.reader.Field(rest[:n], rest[n:n+v])
		rest = rest[n+v:]
	}
	rd.reader.Hint(&rd.hint)
	if rd.hint.Empty() {
		return nil
	}
	return &rd.hint
}
