package badgerstore

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

func (s *Store) openHistory() (err error) {
	r, sealer := s.opt.Retention, s.opt.Key.Sealer("history")
	own := r.keep(persist.Keep{})
	s.meta, err = openShelf(filepath.Join(s.dir, "history", "meta"), own.Metadata, r.MaxSize, true, sealer, s.log)
	if err != nil {
		return err
	}
	s.body, err = openShelf(filepath.Join(s.dir, "history", "body"), own.Body, r.MaxSize, false, sealer, s.log)
	if err == nil {
		s.trimHistory(time.Now().UnixMilli())
	}
	return err
}

// appendHistory syncs both shelves at once: on disks where that takes long, it takes so only once.
func (s *Store) appendHistory(finals, bodies []historic) error {
	if len(bodies) == 0 {
		return s.meta.append(finals)
	}
	done := make(chan error, 1)
	go func() { done <- s.body.append(bodies) }()
	err := s.meta.append(finals)
	return errors.Join(err, <-done)
}

// trimHistory removes what is too old, and the oldest of all families while they together are too large. Until it returns
// nobody waits for it.
func (s *Store) trimHistory(now int64) {
	families := append(s.body.all(), s.meta.all()...) // of files equally old, bodies go first
	var errs []error
	for _, f := range families {
		expired, err := f.dropExpired(now)
		errs = append(errs, err)
		for _, seg := range expired {
			errs = append(errs, s.remove(seg))
		}
	}
	for limit := s.opt.Retention.MaxSize; limit > 0 && s.meta.bytes()+s.body.bytes() > limit; {
		var oldest *family
		var first int64
		for _, f := range families {
			if began, ok := f.oldest(); ok && (oldest == nil || began < first) {
				oldest, first = f, began
			}
		}
		if oldest == nil { // only what is being written is left
			break
		}
		if seg := oldest.dropOldest(); seg != nil {
			errs = append(errs, s.remove(seg))
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Error().Err(err).Msg("removing old history")
	}
}
