package badgerstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
)

func TestAMarkerOfNoGroupIsToldForWhatIsWrongWithIt(t *testing.T) {
	for name, tt := range map[string]struct{ key, row, want string }{
		"a short key": {"g12", string(groupRow(goldenID)), "key of 3 bytes"},
		"a short row": {string(idKey(kindGroup, goldenID)), "\x01", "group row of 1 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{})
			spoil(t, s, []byte(tt.key), []byte(tt.row))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, Options{})
			if !errors.Is(err, record.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("opened with %v, want one of the format that says %q", err, tt.want)
			}
		})
	}
}
