package badgerstore

import (
	"os"
	"testing"
)

// A sync of a file that has grown takes several times as long as one of a file that is written over.
func TestFilesOfTheJournalGrowInSteps(t *testing.T) {
	for _, limit := range []int64{journalSize, journalStep + 1000, 1000} {
		j := &journal{dir: t.TempDir(), limit: limit}
		f, err := j.writable()
		if err != nil {
			t.Fatal(err)
		}
		frame := beginFrame(nil)
		frame = append(frame, make([]byte, 900)...)
		appended, grown, size := 0, 0, int64(0)
		for ; f.size < min(limit, 4*journalStep); appended++ {
			if _, _, err := j.append(frame, make([]byte, clockRowSize)); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(f.path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() != size {
				grown, size = grown+1, info.Size()
			}
		}
		if most := int(f.size/journalStep) + 2; grown > most {
			t.Errorf("limit %d: grew %d times for %d frames, want at most %d", limit, grown, appended, most)
		}
		if size > limit+int64(len(frame)) {
			t.Errorf("limit %d: %d bytes on disk, more than can be used", limit, size)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
}
