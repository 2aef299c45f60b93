package badgerstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// shelf is the history of one kind, metadata or bodies: a family for each retention that is asked for, so that what is to
// be kept for a day does not stay for what is beside it for a month. The store's own is in the shelf's directory, each
// other one in keep-<seconds> below it.
type shelf struct {
	dir     string
	own     time.Duration // not above 0: nothing is kept unless asked for
	maxSize int64
	rows    bool
	sealer  *seal.Sealer // as its families'
	log     zerolog.Logger

	mu       sync.Mutex
	families map[string]*family // by the name of their directory below dir; empty: dir itself
}

const keepPrefix = "keep-"

// keep is how long something is kept that asks for as long, in whole seconds.
func (r *Retention) keep(asked persist.Keep) persist.Keep {
	if asked.Metadata == 0 {
		asked.Metadata = r.Metadata
	}
	if asked.Body == 0 {
		asked.Body = r.Body
	}
	return persist.Keep{Metadata: asked.Metadata.Round(time.Second), Body: asked.Body.Round(time.Second)}
}

// openShelf opens what is there. What an earlier run kept under a retention of its own that the store no longer has is
// removed.
func openShelf(
	dir string, own time.Duration, maxSize int64, rows bool, sealer *seal.Sealer, log zerolog.Logger,
) (*shelf, error) {
	h := &shelf{
		dir: dir, own: own, maxSize: maxSize, rows: rows, sealer: sealer, log: log, families: map[string]*family{},
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), syncDir(filepath.Dir(dir))); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		seconds, ok := strings.CutPrefix(f.Name(), keepPrefix)
		switch n, err := strconv.Atoi(seconds); {
		case ok && f.IsDir() && err == nil && n > 0:
			if _, err := h.open(f.Name(), time.Duration(n)*time.Second); err != nil {
				return nil, err
			}
		case own <= 0 && !f.IsDir():
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	if own > 0 {
		_, err = h.open("", own)
	}
	return h, err
}

// family returns the one for a retention, and begins it where there is none.
func (h *shelf) family(keep time.Duration) (*family, error) {
	name := ""
	if keep != h.own {
		name = keepPrefix + strconv.Itoa(int(keep/time.Second))
	}
	return h.open(name, keep)
}

func (h *shelf) open(name string, keep time.Duration) (*family, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.families[name]; f != nil {
		return f, nil
	}
	f, err := openFamily(filepath.Join(h.dir, name), keep, h.maxSize, h.rows, h.sealer, h.log)
	if err != nil {
		return nil, err
	}
	f.id = name
	h.families[name] = f
	return f, nil
}

// all returns the families there are, always in the same order.
func (h *shelf) all() []*family {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*family, 0, len(h.families))
	for _, name := range slices.Sorted(maps.Keys(h.families)) {
		all = append(all, h.families[name])
	}
	return all
}

// append writes records, each to the family of its retention, and returns once they survive a power cut.
func (h *shelf) append(records []historic) error {
	for len(records) > 0 {
		keep := records[0].keep
		n := slices.IndexFunc(records, func(r historic) bool { return r.keep != keep })
		if n >= 0 { // policies differ in what they keep: group by it, once
			slices.SortStableFunc(records, func(a, b historic) int { return cmp.Compare(a.keep, b.keep) })
			keep = records[0].keep
			n = slices.IndexFunc(records, func(r historic) bool { return r.keep != keep })
		}
		if n < 0 {
			n = len(records)
		}
		f, err := h.family(keep)
		if err == nil {
			err = f.append(records[:n])
		}
		if err != nil {
			return fmt.Errorf("history kept for %v: %w", keep, err)
		}
		records = records[n:]
	}
	return nil
}

// find returns a record's value; nil when there is none.
func (h *shelf) find(id record.ID) ([]byte, error) {
	for _, f := range h.all() {
		if value, err := f.find(id); value != nil || err != nil {
			return value, err
		}
	}
	return nil, nil
}

func (h *shelf) bytes() (n int64) {
	for _, f := range h.all() {
		n += f.bytes()
	}
	return n
}

func (h *shelf) close() error {
	var errs []error
	for _, f := range h.all() {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
