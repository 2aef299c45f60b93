package badgerstore

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/sluice-gateway/sluice/persist"
)

const cursorVersion = 1

// cursorOf tells where readers stand: of each family, its name with its length before it, and the place of the row that
// comes next. Empty: all are at their end.
func cursorOf(readers []*rowReader) string {
	b := []byte{cursorVersion}
	more := false
	for _, r := range readers {
		at := r.at
		if r.found != nil {
			at = r.foundAt
		}
		more = more || at != rowPlace{}
		b = append(append(b, byte(len(r.family.id))), r.family.id...) //nolint:gosec // "keep-" and a number
		b = binary.BigEndian.AppendUint64(b, uint64(at.began))        //nolint:gosec // bits, not a quantity
		b = binary.BigEndian.AppendUint32(b, at.row)
	}
	if !more {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor reads what cursorOf wrote; the empty one is nothing.
func readCursor(s string) (map[string]rowPlace, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // said above
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != cursorVersion {
		return nil, fmt.Errorf("%w: %.100q", persist.ErrCursor, s)
	}
	places := map[string]rowPlace{}
	for b = b[1:]; len(b) > 0; {
		n := int(b[0])
		if len(b) < 1+n+12 {
			return nil, fmt.Errorf("%w: %.100q ends early", persist.ErrCursor, s)
		}
		name := string(b[1 : 1+n])
		b = b[1+n:]
		places[name] = rowPlace{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])} //nolint:gosec // bits
		b = b[12:]
	}
	return places, nil
}
