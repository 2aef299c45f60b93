package badgerstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// A file of the journal is a head and then frames, each of them one group commit, whole or not there:
//
//	head:   journalMagic, the file's number (8), its salt (8), bytes used of the file before it (8; 0: there was none),
//	        CRC-32C of these (4)
//	frame:  length of what follows the checksum (4), CRC-32C of the salt (8) and of what follows (4), the clock's row,
//	        then records
//	record: 'p', partition (1), queue (16), rank (8), id (16), record.Entry (33), payload
//	        's', the same, its payload sealed (seal.Overhead bytes longer) for what is before it as its place
//	        'g', id (16): the webhook is over, or the live database has it
//	        'r', when it expires as Unix s (8; 0: never), length of its key (2), of its value (4), key, value: a row of the
//	        live database, put there when the frame is durable (large_group.go)
//	        'R', the same, its value sealed for what is before it as its place
//
// The salt is drawn at random for each file. So nothing else passes for one of its frames: not what is left in a file
// that is written over, nor what a sender puts into a payload.
const (
	journalMagic = "slujou\x00\x01"
	fileHeadSize = len(journalMagic) + 8 + 8 + 8 + 4
	frameLead    = 4 + 4 // of a frame: its length and checksum
	clockRowSize = 1 + positionSize
	putHead      = 1 + 1 + len(record.QueueID{}) + positionSize + record.EntrySize
	goneSize     = 1 + idSize
	rowHeadSize  = 1 + 8 + 2 + 4

	recordPut       = 'p'
	recordSealed    = 's'
	recordGone      = 'g'
	recordRow       = 'r'
	recordSealedRow = 'R'
)

// fileHead is what a file of the journal begins with.
type fileHead struct {
	number uint64
	salt   uint64
	before int64 // bytes used of the file before it
}

func (h fileHead) append(b []byte) []byte {
	at := len(b)
	b = append(b, journalMagic...)
	b = binary.BigEndian.AppendUint64(b, h.number)
	b = binary.BigEndian.AppendUint64(b, h.salt)
	b = binary.BigEndian.AppendUint64(b, uint64(h.before)) //nolint:gosec // never negative
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// readFileHead reads what a file begins with; not ok: this is no file of that number.
func readFileHead(b []byte, number uint64) (h fileHead, ok bool) {
	if len(b) < fileHeadSize {
		return h, false
	}
	fields := b[len(journalMagic):]
	h.number, h.salt = number, binary.BigEndian.Uint64(fields[8:])
	h.before = int64(binary.BigEndian.Uint64(fields[16:])) //nolint:gosec // bits, not a quantity
	return h, bytes.Equal(b[:fileHeadSize], h.append(nil))
}

// beginFrame makes room for what endFrame fills in, in memory that may be used again.
func beginFrame(b []byte) []byte { return append(b[:0], make([]byte, frameLead+clockRowSize)...) }

func appendPut(b []byte, q persist.QueueRef, e *record.Entry, payload []byte) []byte {
	return append(appendPutHead(b, recordPut, q, e), payload...)
}

// appendSealed is appendPut with the payload sealed.
func appendSealed(b []byte, q persist.QueueRef, e *record.Entry, payload []byte, s *seal.Sealer) []byte {
	at := len(b)
	b = appendPutHead(b, recordSealed, q, e)
	return s.Seal(b, payload, b[at:])
}

func appendPutHead(b []byte, kind byte, q persist.QueueRef, e *record.Entry) []byte {
	b = append(append(b, kind, byte(q.Part)), q.ID[:]...)
	return e.Append(appendPosition(b, e.Position))
}

func appendGone(b []byte, id record.ID) []byte { return append(append(b, recordGone), id[:]...) }

// appendRow appends a row, sealed where there is a sealer.
func appendRow(b []byte, e *badger.Entry, s *seal.Sealer) []byte {
	at, kind, size := len(b), byte(recordRow), len(e.Value)
	if s != nil {
		kind, size = recordSealedRow, size+seal.Overhead
	}
	b = binary.BigEndian.AppendUint64(append(b, kind), e.ExpiresAt)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Key))) //nolint:gosec // a key laid out in rows.go, at most some hundred
	b = binary.BigEndian.AppendUint32(b, uint32(size))       //nolint:gosec // at most LargestPayload, and a head
	b = append(b, e.Key...)
	if s != nil {
		return s.Seal(b, e.Value, b[at:])
	}
	return append(b, e.Value...)
}

// endFrame makes what was appended to a frame's beginning a whole frame of the file with a salt.
func endFrame(b []byte, salt uint64, clock []byte) {
	copy(b[frameLead:], clock)
	binary.BigEndian.PutUint32(b, uint32(len(b)-frameLead)) //nolint:gosec // a transaction's bytes, a few MiB
	binary.BigEndian.PutUint32(b[4:], journalSum(salt, b[frameLead:]))
}

func journalSum(salt uint64, body []byte) uint32 {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], salt)
	return crc32.Update(crc32.Checksum(n[:], castagnoli), castagnoli, body)
}

// frameBody returns the body of the frame that b begins with; not ok: it is none of the file's. The body is nil where
// that was seen without its checksum.
func frameBody(b []byte, salt uint64) (body []byte, ok bool) {
	if len(b) < frameLead+clockRowSize || b[frameLead] != rowVersion {
		return nil, false
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n < int64(clockRowSize) || n > int64(len(b)-frameLead) {
		return nil, false
	}
	body = b[frameLead : frameLead+n]
	return body, journalSum(salt, body) == binary.BigEndian.Uint32(b[4:])
}

// searched bounds how many bytes nextFrame checksums: a payload can be made to look like the beginnings of many frames.
const searched = 1 << 30

// nextFrame finds the first whole frame of a file in b: where it begins and its body, nil where there is none.
func nextFrame(b []byte, salt uint64) (at int, body []byte) {
	for left := searched; at < len(b) && left > 0; at++ {
		body, ok := frameBody(b[at:], salt)
		if ok {
			return at, body
		}
		left -= len(body)
	}
	return len(b), nil
}

// journaled is what a reader of the journal is told of one record; payload is nil where the webhook is gone. Of a row, row and
// sealed alone are set.
type journaled struct {
	queue   persist.QueueRef
	entry   record.Entry // its ID alone where the webhook is gone
	payload []byte
	gone    bool
	sealed  []byte // head of a record whose payload, or row's value, is sealed: its place; nil: it is not
	file    uint64 // number of the file it is in, where that matters
	row     *badger.Entry
}

// readFrameRecords reads the records of a frame's body, without its checksum being looked at.
func readFrameRecords(body []byte, each func(journaled)) (ms int64, last record.ID, err error) {
	bad := func(what string) error { return fmt.Errorf("%w: journal: %s", record.ErrFormat, what) }
	if len(body) < clockRowSize {
		return 0, last, bad("a frame without a clock")
	}
	if ms, last, err = readClockRow(body[:clockRowSize]); err != nil {
		return 0, last, err
	}
	for b := body[clockRowSize:]; len(b) > 0; {
		switch {
		case b[0] == recordGone && len(b) >= goneSize:
			var r journaled
			copy(r.entry.ID[:], b[1:])
			r.gone = true
			each(r)
			b = b[goneSize:]
		case (b[0] == recordPut || b[0] == recordSealed) && len(b) >= putHead:
			r := journaled{queue: persist.QueueRef{Part: record.Part(b[1])}}
			overhead := 0
			if b[0] == recordSealed {
				r.sealed, overhead = b[:putHead:putHead], seal.Overhead
			}
			at := 2 + copy(r.queue.ID[:], b[2:])
			r.entry, err = record.ReadEntry(readPosition(b[at:]), b[at+positionSize:putHead])
			if err != nil {
				return 0, last, err
			}
			size := int64(r.entry.Size) + int64(overhead)
			if b = b[putHead:]; int64(len(b)) < size {
				return 0, last, bad("a payload that is not whole")
			}
			r.payload = b[:size:size]
			b = b[size:]
			each(r)
		case (b[0] == recordRow || b[0] == recordSealedRow) && len(b) >= rowHeadSize:
			key := int64(binary.BigEndian.Uint16(b[9:]))
			head, size := int64(rowHeadSize)+key, int64(binary.BigEndian.Uint32(b[11:]))
			if int64(len(b)) < head+size {
				return 0, last, bad("a row that is not whole")
			}
			r := journaled{row: &badger.Entry{
				Key: b[rowHeadSize:head:head], Value: b[head : head+size : head+size], ExpiresAt: binary.BigEndian.Uint64(b[1:]),
			}}
			if b[0] == recordSealedRow {
				r.sealed = b[:head:head]
			}
			each(r)
			b = b[head+size:]
		default:
			return 0, last, bad("an unknown record")
		}
	}
	return ms, last, nil
}
