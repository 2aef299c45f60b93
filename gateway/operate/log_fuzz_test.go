package operate

import (
	"errors"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// FuzzLogCursor reads any text as a place in the log: it is none, or one of the log's two parts.
func FuzzLogCursor(f *testing.F) {
	for _, text := range []string{"", "h", "hAQ", "l01KG9P6JE00000000000000000", "01KG9P6JE00000000000000000", "l", "lx"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := readLogCursor(text)
		switch {
		case err != nil && !errors.Is(err, persist.ErrCursor):
			t.Fatalf("%q: %v", text, err)
		case err == nil && at.inHistory && (at.before != record.ID{} || historyCursor+at.rest != text):
			t.Fatalf("%q is %+v", text, at)
		case err == nil && !at.inHistory && at.rest != "":
			t.Fatalf("%q is %+v", text, at)
		}
	})
}
