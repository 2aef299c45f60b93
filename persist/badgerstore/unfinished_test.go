package badgerstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
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

func TestLargeGroupThatAnEarlierReleaseLeftUnfinishedIsDiscarded(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	kept := accept(t, s, goldenQueue, 10)
	first, last := record.ID{1}, record.ID{1, 15: 3}
	spoil(t, s, idKey(kindGroup, first), groupRow(last))
	for i := range byte(4) {
		spoil(t, s, idKey(kindPayload, record.ID{1, 15: i}), payloadRow(goldenRef, 1, []byte("payload")))
	}
	s = reopen(t, s)
	if groups, payloads := rowsOf(t, s, kindGroup), rowsOf(t, s, kindPayload); groups != 0 || payloads != 1 {
		t.Errorf("%d markers and %d payloads are left, want that of the webhook that was accepted", groups, payloads)
	}
	if _, err := s.Payload(t.Context(), last); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("a payload of the group: %v, want none", err)
	}
	if _, err := s.Payload(t.Context(), kept); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
