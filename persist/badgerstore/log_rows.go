package badgerstore

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// What the log of finished webhooks is searched by stands beside a segment of metadata: a row of fixed size for each of its
// records, in their order. Names are hashed, with the store's key where it is encrypted: a row says which records may match,
// the record itself whether it does. A search reads 44 bytes a webhook, where the record is some 500.
//
// While a segment is written to, its rows are in memory; they go to disk when it is closed, so that a settlement costs no
// further write.
//
//	<start>.row: rowMagic, or sealedRowMagic where names are hashed with a key, then rows of logRowSize: offset in the
//	             log (4), HTTP status of the last attempt (2), state (1), 0 (1), FinishedAt as Unix ms (8), then hashes (4
//	             each) of host, flow, type, subscription, event and tenant, and the first 4 bytes of the subject's digest,
//	             which is hashed too where there is a key
const (
	rowMagic       = "slurow\x00\x01"
	sealedRowMagic = "slurow\x00\x02"

	logRowSize = 4 + 2 + 1 + 1 + 8 + rowNames*4 + 4

	rowHost, rowFlow, rowType, rowSubscription, rowEvent, rowTenant = 0, 1, 2, 3, 4, 5
	rowNames                                                        = 6
)

// logRow is what a finished webhook is searched by.
type logRow struct {
	offset   uint32
	status   uint16
	state    byte
	finished int64
	names    [rowNames]uint32
	subject  uint32
}

// finalRecord is a finished webhook as it goes to history; value is its stored form.
func finalRecord(f *record.Final, value []byte, s *seal.Sealer) historic {
	return historic{id: f.ID, finished: f.FinishedAt, value: value, row: rowOf(f, s)}
}

// rowOf hashes with the key of a sealer; nil: there is none.
func rowOf(f *record.Final, s *seal.Sealer) logRow {
	return logRow{
		status: uint16(persist.LastStatus(f.Attempts)), //nolint:gosec // three digits
		state:  stateCode(f.State), finished: f.FinishedAt,
		names: [rowNames]uint32{
			rowHost: hashName(s, f.Host), rowFlow: hashName(s, f.Flow), rowType: hashName(s, f.Type),
			rowSubscription: hashName(s, f.Subscription), rowEvent: hashName(s, f.Event), rowTenant: hashName(s, f.Tenant),
		},
		subject: hashSubject(s, &f.Subject),
	}
}

// rowOfValue is the row of a record that was read back. One that cannot be read has a row that nothing asks for by name.
func rowOfValue(value []byte, s *seal.Sealer) logRow {
	f, err := record.DecodeFinal(value)
	if err != nil {
		return logRow{}
	}
	return rowOf(f, s)
}

func (r logRow) append(b []byte, offset int64) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(offset)) //nolint:gosec // a segment is far below 4 GiB
	b = binary.BigEndian.AppendUint16(b, r.status)
	b = append(b, r.state, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(r.finished)) //nolint:gosec // bits, not a quantity
	for _, n := range r.names {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return binary.BigEndian.AppendUint32(b, r.subject)
}

func readRow(b []byte) (r logRow) {
	_ = b[logRowSize-1]
	r.offset = binary.BigEndian.Uint32(b)
	r.status, r.state = binary.BigEndian.Uint16(b[4:]), b[6]
	r.finished = int64(binary.BigEndian.Uint64(b[8:])) //nolint:gosec // bits, not a quantity
	for i := range r.names {
		r.names[i] = binary.BigEndian.Uint32(b[16+4*i:])
	}
	r.subject = binary.BigEndian.Uint32(b[16+4*rowNames:])
	return r
}

// magicOfRows is what a file of rows begins with: names that were hashed otherwise are not found.
func magicOfRows(s *seal.Sealer) string {
	if s == nil {
		return rowMagic
	}
	return sealedRowMagic
}

// countRows reads how many rows a closed segment has.
func (s *segment) countRows() (int, error) {
	file, err := os.Open(s.path + rowSuffix)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	var magic [len(rowMagic)]byte
	if _, err := file.ReadAt(magic[:], 0); err != nil || string(magic[:]) != magicOfRows(s.sealer) {
		return 0, fmt.Errorf("%w: %s: no rows of this store", record.ErrFormat, file.Name())
	}
	n := info.Size() - int64(len(rowMagic))
	if n < 0 || n%logRowSize != 0 || n/logRowSize < int64(s.count) {
		return 0, fmt.Errorf("%w: %s: rows of %d bytes for %d records", record.ErrFormat, s.path+rowSuffix, info.Size(), s.count)
	}
	return int(n / logRowSize), nil
}

// stateCode is a final state in a row; it never changes.
func stateCode(s record.State) byte {
	switch s {
	case record.Delivered:
		return 1
	case record.Failed:
		return 2
	case record.Expired:
		return 3
	case record.Cancelled:
		return 4
	}
	return 0
}

// hashName is a name in a row: the first 4 bytes of its hash under the store's key, hash where there is none.
func hashName(s *seal.Sealer, name string) uint32 {
	if s == nil {
		return hash(name)
	}
	if name == "" { // is never asked for
		return 0
	}
	sum := s.Hash(name)
	return binary.BigEndian.Uint32(sum[:])
}

// hashSubject is a subject's digest in a row.
func hashSubject(s *seal.Sealer, subject *record.Digest) uint32 {
	if s == nil || *subject == (record.Digest{}) {
		return binary.BigEndian.Uint32(subject[:])
	}
	return hashName(s, string(subject[:]))
}

// hash is 32-bit FNV-1a. It never changes.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h ^= uint32(s[i])
		h *= 16777619
	}
	return h
}

// sieve says of rows whether their record may match a filter.
type sieve struct {
	filter *persist.Filter
	status bool // is asked for
	state  byte
	names  [rowNames]uint32
	asked  [rowNames]bool
	// tenants are asked for, any of them.
	tenants []uint32
	subject uint32
}

// newSieve makes the sieve of a filter, for rows that were hashed with the key of a sealer; nil: without one.
func newSieve(f *persist.Filter, by *seal.Sealer) *sieve {
	s := &sieve{filter: f, status: f.StatusFrom != 0 || f.StatusTo != 0, subject: hashSubject(by, &f.Subject)}
	if f.State != "" {
		s.state = stateCode(f.State)
	}
	for i, name := range [rowNames]string{
		rowHost: f.Host, rowFlow: f.Flow, rowType: f.Type, rowSubscription: f.Subscription, rowEvent: f.Event,
	} {
		if name != "" {
			s.names[i], s.asked[i] = hashName(by, name), true
		}
	}
	for _, tenant := range f.Tenants {
		s.tenants = append(s.tenants, hashName(by, tenant))
	}
	return s
}

// passes reports whether a row's record may match.
func (s *sieve) passes(b []byte) bool {
	f := s.filter
	if f.State != "" && b[6] != s.state {
		return false
	}
	if s.status {
		if !f.MatchesStatus(int(binary.BigEndian.Uint16(b[4:]))) {
			return false
		}
	}
	for i := range s.names {
		if s.asked[i] && binary.BigEndian.Uint32(b[16+4*i:]) != s.names[i] {
			return false
		}
	}
	if s.tenants != nil && !slices.Contains(s.tenants, binary.BigEndian.Uint32(b[16+4*rowTenant:])) {
		return false
	}
	if f.Subject != (record.Digest{}) && binary.BigEndian.Uint32(b[16+4*rowNames:]) != s.subject {
		return false
	}
	return f.MatchesTime(int64(binary.BigEndian.Uint64(b[8:]))) //nolint:gosec // bits, not a quantity
}
