package badgerstore

import (
	"cmp"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
)

// Badger dies of a table that is cut short, leaves one out whose index is damaged, and notices damage of its blocks only by what
// that happens to do. So the tables are looked at before it opens them: every index, and the blocks as far as that takes little time.

// tableTime is how long opening may take to read tables whole: those of some hundred megabytes. Where they are suspect, it takes as
// long as it takes.
const tableTime = 500 * time.Millisecond

// inspectNamed looks at the tables that a manifest names and returns the number of the latest transaction that they have something
// of.
func (s *Store) inspectNamed(dir string, m *badger.Manifest, keys *keyring) (latest uint64, err error) {
	ids := make([]uint64, 0, len(m.Tables))
	for id := range m.Tables {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uint64) int { return cmp.Compare(b, a) })
	began := time.Now()
	for _, id := range ids {
		path := filepath.Join(dir, fmt.Sprintf("%06d.sst", id))
		key, err := keys.of(m.Tables[id].KeyID)
		if err != nil {
			return 0, err
		}
		version, err := inspectTable(path, key, s.suspect || s.opt.DespiteLoss || !s.opt.hurry && time.Since(began) < tableTime)
		switch {
		case errors.Is(err, errBlock):
			if err := s.lost(err.Error()); err != nil {
				return 0, err
			}
			if err := s.mendTable(path, key); err != nil {
				return 0, err
			}
		case errors.Is(err, os.ErrNotExist):
			return 0, fmt.Errorf("%s is missing, a table of the live database: restore the data directory from a backup", path)
		case err != nil:
			return 0, fmt.Errorf("%w: restore the data directory from a backup", err)
		}
		latest = max(latest, version)
	}
	return latest, nil
}

// errBlock is of a table that can be opened all the same.
var errBlock = errors.New("is damaged")

// inspectTable looks at a table's index, and at its blocks if all of it is wanted. A table is blocks, the index, its length (4), a
// checksum of it and that one's length (4); a block is its entries, a checksum of them and that one's length (4). Key is what index
// and blocks are encrypted with; nil: they are not.
func inspectTable(path string, key cipher.Block, whole bool) (latest uint64, err error) {
	b, unmap, err := mapFile(path)
	if err != nil {
		return 0, err
	}
	defer unmap()
	if latest, err = readTable(b, key, whole); err != nil {
		err = fmt.Errorf("%s, a table of the live database, %w", path, err)
	}
	return latest, err
}

func readTable(b []byte, key cipher.Block, whole bool) (latest uint64, err error) {
	index, end, err := tableIndex(b, key)
	if err != nil {
		return 0, err
	}
	if !whole {
		return index.MaxVersion(), nil
	}
	var at fb.BlockOffset
	for i := range index.OffsetsLength() {
		index.Offsets(&at, i)
		if _, ok := blockOf(b[:end], &at, key); !ok {
			return index.MaxVersion(), fmt.Errorf("%w: bytes %d to %d are not as they were written", errBlock,
				at.Offset(), int64(at.Offset())+int64(at.Len()))
		}
	}
	return index.MaxVersion(), nil
}

// tableIndex returns a table's index, and where its blocks end.
func tableIndex(b []byte, key cipher.Block) (index *fb.TableIndex, blocks int64, err error) {
	rest, sum, ok := cutSum(b)
	if !ok || len(rest) < 4 {
		return nil, 0, fmt.Errorf("is cut short or damaged: %d bytes without an end", len(b))
	}
	end := len(rest) - 4
	size := int64(binary.BigEndian.Uint32(rest[end:]))
	if size > int64(end) || crc32.Checksum(rest[end-int(size):end], castagnoli) != sum {
		return nil, 0, errors.New("is damaged: its index is not as it was written")
	}
	plain, ok := unsealed(rest[end-int(size):end], key)
	if !ok {
		return nil, 0, errors.New("is damaged: its index is too short to be encrypted")
	}
	return fb.GetRootAsTableIndex(plain, 0), int64(end) - size, nil
}

// blockOf returns what a block holds, of all of them; false: it is not as it was written.
func blockOf(blocks []byte, at *fb.BlockOffset, key cipher.Block) (entries []byte, ok bool) {
	from, to := int64(at.Offset()), int64(at.Offset())+int64(at.Len())
	if to > int64(len(blocks)) {
		return nil, false
	}
	plain, _ := unsealed(blocks[from:to], key)
	entries, sum, ok := cutSum(plain)
	return entries, ok && len(entries) >= 4 && crc32.Checksum(entries, castagnoli) == sum
}

// cutSum takes off what a table or a block ends with: a CRC-32C as the field 2 of a protocol buffer, behind its kind as field 1,
// which is left out as 0; and their length.
func cutSum(b []byte) (rest []byte, sum uint32, ok bool) {
	end := len(b) - 4
	if end < 0 {
		return nil, 0, false
	}
	size := int64(binary.BigEndian.Uint32(b[end:]))
	if size < 1 || size > int64(end) || size > 1+binary.MaxVarintLen64 {
		return nil, 0, false
	}
	at := end - int(size)
	n, used := binary.Uvarint(b[at+1 : end])
	return b[:at], uint32(n), b[at] == 2<<3 && used == int(size)-1 && n <= 1<<32-1 //nolint:gosec // checked behind it
}
