package badgerstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/dgraph-io/badger/v4/fb"
)

// Badger takes the blocks of a table for whole when it compacts: of a damaged one it dies, on a goroutine of its own, or sorts what it
// takes for keys into other tables. So where the loss of some is accepted, they are replaced before it opens the table, each by one of
// the same length that says only that its first key is deleted: that key is in the index, which stays as it is.

// mendTable replaces the damaged blocks of a table, keeps the file as it was, and says how many rows are gone.
func (s *Store) mendTable(path string, key cipher.Block) error {
	b, unmap, err := mapFile(path)
	if err != nil {
		return err
	}
	defer unmap()
	mended, blocks, rows, err := mended(b, key)
	if err != nil {
		return fmt.Errorf("%s, a table of the live database, %w: restore the data directory from a backup", path, err)
	}
	kept, err := setFileAside(path, mended)
	if err != nil {
		return err
	}
	s.log.Error().Str("file", path).Int("blocks", blocks).Int("rows", rows).Str("kept", kept).
		Msg("damaged blocks of a table of the live database were taken out: their rows are gone, or are as they were before")
	return nil
}

// mended returns a table with its damaged blocks replaced: how many these are, and how many rows were in them.
func mended(b []byte, key cipher.Block) (whole []byte, blocks, rows int, err error) {
	index, end, err := tableIndex(b, key)
	if err != nil {
		return nil, 0, 0, err
	}
	whole, rows = slices.Clone(b), int(index.KeyCount())
	var at fb.BlockOffset
	for i := range index.OffsetsLength() {
		index.Offsets(&at, i)
		if entries, ok := blockOf(b[:end], &at, key); ok {
			rows -= int(binary.BigEndian.Uint32(entries[len(entries)-4:]))
			continue
		}
		blocks++
		from, to := int64(at.Offset()), int64(at.Offset())+int64(at.Len())
		if to > end || !deletion(whole[from:to], at.KeyBytes(), key) {
			return nil, 0, 0, fmt.Errorf("%w: bytes %d to %d are not as they were written, and cannot be replaced", errBlock, from, to)
		}
	}
	return whole, blocks, max(rows, 0), nil
}

// What Badger has of a block: the lengths of what an entry's key has in common with the first one's and of the rest (2 bytes each), the
// rest, kind, user's mark and expiry, and the value; the entries' places (4 bytes each) and their number (4); the checksum.
const (
	entryHead  = 2 + 2
	deleted    = 1 // Badger's bitDelete
	longestSum = 1 + 5
)

// deletion fills a block with the deletion of one key; false: it is too short for that.
func deletion(block, of []byte, key cipher.Block) bool {
	var vector []byte
	if key != nil {
		at := len(block) - aes.BlockSize
		if at < 0 {
			return false
		}
		block, vector = block[:at], block[at:]
	}
	kind := entryHead + len(of)
	sumAt := len(block) - 4 - longestSum
	if kind+3 > sumAt-8 {
		return false
	}
	clear(block)
	binary.NativeEndian.PutUint16(block[2:], uint16(len(of))) //nolint:gosec // it was read from as many
	copy(block[entryHead:], of)
	block[kind] = deleted
	binary.BigEndian.PutUint32(block[sumAt-4:], 1)
	sum := crc32.Checksum(block[:sumAt], castagnoli)
	for ; sum < 1<<28; sum = crc32.Checksum(block[:sumAt], castagnoli) { // until it takes five bytes; the mark means nothing
		block[kind+1]++
	}
	block[sumAt] = 2 << 3
	binary.PutUvarint(block[sumAt+1:], uint64(sum))
	binary.BigEndian.PutUint32(block[len(block)-4:], longestSum)
	if key != nil {
		rand.Read(vector)
		cipher.NewCTR(key, vector).XORKeyStream(block, block)
	}
	return true
}
