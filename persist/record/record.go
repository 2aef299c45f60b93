// Package record holds everything Sluice keeps on disk, as values and as bytes: the identities of webhooks,
// lanes and queues, the entry by which a webhook stands in its queue, the webhook itself, and what became of it.
//
// It is pure: no I/O, no clock, no goroutine. Every encoding starts with a version byte, every reader refuses
// versions it does not know, and golden files under testdata fix the bytes, so that a store written by one release
// opens in the next. It never decides anything: when a webhook may go is for gateway/schedule, how bytes reach the
// disk is for the stores below persist.
package record

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/oklog/ulid/v2"
)

// ID identifies a webhook for life: a ULID, assigned by the store in commit order, so that ids sort as webhooks were
// accepted. Its text form is the 26 characters of https://github.com/ulid/spec.
type ID = ulid.ULID

// ParseID reads the 26-character text form, strictly.
func ParseID(s string) (ID, error) {
	id, err := ulid.ParseStrict(s)
	if err != nil {
		return ID{}, fmt.Errorf("webhook id %q: want the 26 characters of a ULID", s)
	}
	return id, nil
}

// ErrFormat is wrapped by every error about bytes that are not what this release writes or knows how to read.
var ErrFormat = errors.New("unreadable record")

// formatVersion leads every CBOR record. Fields are added under new keys without raising it; it is raised when a
// reader that ignores the addition would act wrongly.
const formatVersion = 1

var (
	// Unknown keys are ignored: a newer release may have added fields. Sizes are bounded because a damaged record
	// must not take the process's memory.
	cborDecoder = must(cbor.DecOptions{
		MaxArrayElements: maxItems, MaxMapPairs: maxItems, MaxNestedLevels: 8,
		DupMapKey: cbor.DupMapKeyEnforcedAPF,
		// What was accepted as text is checked at the door; a response's bytes may be anything.
		UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode())

	// For records that are few; those that every webhook has are written by hand, the same way (cbor.go).
	cborEncoder = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode())
)

// maxItems is how many items a list or map of a record may have.
const maxItems = 1 << 16

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// versioned returns the beginning of a CBOR record that is expected to take about so many bytes.
func versioned(size int) []byte { return append(make([]byte, 0, size), formatVersion) }

// encode writes a record. It panics where a type cannot be written as CBOR, which no input brings about.
func encode(v any) []byte {
	b, err := cborEncoder.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("record: encoding %T: %v", v, err))
	}
	return append(versioned(1+len(b)), b...)
}

func decode(what string, b []byte, v any) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: %s: empty", ErrFormat, what)
	}
	if b[0] != formatVersion {
		return fmt.Errorf("%w: %s: version %d, this release reads %d", ErrFormat, what, b[0], formatVersion)
	}
	if err := cborDecoder.Unmarshal(b[1:], v); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFormat, what, err)
	}
	return nil
}
