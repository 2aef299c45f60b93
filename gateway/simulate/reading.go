package simulate

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/limiter"
)

// reading reads responses' headers as the gateway does.
type reading struct {
	reader limiter.Reader
	text   []byte
}

// read returns what a response says of limits; nil when it says nothing.
func (rd *reading) read(status int, sent, received time.Time, fields []destination.Header) *limiter.Hint {
	rd.reader.Reset(status, sent, received)
	rd.text = rd.text[:0]
	for _, f := range fields {
		rd.text = append(append(rd.text, f.Name...), f.Value...)
	}
	rest := rd.text
	for _, f := range fields {
		n, v := len(f.Name), len(f.Value)
		rd.reader.Field(rest[:n], rest[n:n+v])
		rest = rest[n+v:]
	}
	var h limiter.Hint
	if rd.reader.Hint(&h); h.Empty() {
		return nil
	}
	return &h
}
