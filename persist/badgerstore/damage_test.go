package badgerstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// keptRecord is one that was written, and where each of its files has it.
type keptRecord struct {
	id           record.ID
	final        *record.Final
	body         []byte
	metaAt, logs [2]int64 // of its metadata and its payload: from on and before to
}

const secret = "dear mallory"

// writeKept keeps n webhooks, every third about mallory, and returns them with the places of their frames.
func writeKept(t *testing.T, dir string, rng *rand.Rand, n int) []keptRecord {
	t.Helper()
	s := open(t, dir, Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
	c := new(clock)
	var all []keptRecord
	meta, body := int64(len(segmentMagic)), int64(len(segmentMagic))
	for i := range n {
		f := benchFinal(c.nextID())
		f.URL = fmt.Sprintf("https://a.example/%d", i)
		k := keptRecord{id: f.ID, final: f, body: bytes.Repeat([]byte{byte(i)}, rng.IntN(3000))}
		if i%3 == 0 {
			f.Subject, f.URL, k.body = record.Digest{1}, secret, append(k.body, secret...)
		}
		h := finalRecord(f, f.Encode(), nil)
		h.keep = time.Hour
		b := historic{id: f.ID, finished: f.FinishedAt, value: k.body, keep: time.Hour}
		if err := s.appendHistory([]historic{h}, []historic{b}); err != nil {
			t.Fatal(err)
		}
		k.metaAt = [2]int64{meta, meta + int64(frameHead+len(h.value))}
		k.logs = [2]int64{body, body + int64(frameHead+len(b.value))}
		meta, body = k.metaAt[1], k.logs[1]
		all = append(all, k)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// flipSome changes one bit of some places of a file, behind its first bytes, and returns them.
func flipSome(t *testing.T, path string, rng *rand.Rand, n int) (at []int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		i := len(segmentMagic) + rng.IntN(len(b)-len(segmentMagic))
		b[i] ^= 1 << rng.IntN(8)
		at = append(at, int64(i))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

func hit(place [2]int64, flips []int64) bool {
	for _, at := range flips {
		if place[0] <= at && at < place[1] {
			return true
		}
	}
	return false
}

// TestErasureKeepsWhatStandsBehindDamage flips bits of both logs. With the indexes that were there nothing of mallory may be
// left; where a crash took them, whose body a damaged record's is nobody knows, but the others' must be there too.
func TestErasureKeepsWhatStandsBehindDamage(t *testing.T) {
	for seed := range uint64(40) {
		indexed := seed%4 != 0
		t.Run(fmt.Sprintf("seed %d, indexed %v", seed, indexed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			dir := t.TempDir()
			all := writeKept(t, dir, rng, 60)
			metaLog, bodyLog := logs(t, filepath.Join(dir, "history", "meta"))[0], logs(t, filepath.Join(dir, "history", "body"))[0]
			inMeta, inBody := flipSome(t, metaLog, rng, 1+rng.IntN(4)), flipSome(t, bodyLog, rng, 1+rng.IntN(4))
			if !indexed {
				for _, log := range []string{metaLog, bodyLog} {
					if err := os.Remove(log[:len(log)-len(logSuffix)] + indexSuffix); err != nil {
						t.Fatal(err)
					}
				}
			}
			var told logged
			s := open(t, dir, Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}, Log: told.logger()})
			if _, err := s.Erase(t.Context(), &persist.Filter{Subject: record.Digest{1}}); err != nil {
				t.Fatal(err)
			}
			if told.String() == "" {
				t.Error("nothing is said of the damage")
			}
			for i, k := range all {
				if i%3 == 0 {
					continue
				}
				if value, err := s.meta.find(k.id); !hit(k.metaAt, inMeta) && (err != nil || !bytes.Equal(value, k.final.Encode())) {
					t.Errorf("metadata of %d: %d bytes, %v", i, len(value), err)
				}
				if value, err := s.body.find(k.id); !hit(k.logs, inBody) && (err != nil || !bytes.Equal(value, k.body)) {
					t.Errorf("body of %d: %d bytes, %v; want %d", i, len(value), err, len(k.body))
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for _, log := range []string{metaLog, bodyLog} {
				b, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				if indexed && bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s still says it", log)
				}
			}
		})
	}
}

// TestAClosedSegmentIsIndexedAgainBehindDamage takes a log's index away: what stands behind a damaged record is found again.
func TestAClosedSegmentIsIndexedAgainBehindDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	all := writeKept(t, dir, rng, 30)
	log := logs(t, filepath.Join(dir, "history", "body"))[0]
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	b[all[10].logs[0]] = 0xff // of its length
	for _, err := range []error{os.WriteFile(log, b, 0o600), os.Remove(log[:len(log)-len(logSuffix)] + indexSuffix)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
	for i, k := range all {
		value, err := s.body.find(k.id)
		if err != nil || (i == 10) != (value == nil) || i != 10 && !bytes.Equal(value, k.body) {
			t.Errorf("body of %d: %d bytes, %v", i, len(value), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
