package gateway

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
)

func TestReadyTellsWhyNothingIsAcceptedAndNotWhere(t *testing.T) {
	var fault error
	g := &Gateway{accepting: func() error { return fault }}
	for _, c := range []struct {
		ready  bool
		fault  error
		status int
		text   string
	}{
		{false, nil, 503, "not ready: it starts, or stops\n"},
		{true, nil, 200, "ok\n"},
		{true, fmt.Errorf("/srv/data/journal: %w: %w", persist.ErrUnwritable, errors.ErrUnsupported), 503,
			"not ready: the disk does not take what is written\n"},
		{true, fmt.Errorf("/srv/data: %w", persist.ErrFull), 503, "not ready: too little free disk space\n"},
		{true, fmt.Errorf("/srv/data: %w", persist.ErrNoFiles), 503, "not ready: too few inodes are free (df -i)\n"},
		{true, fmt.Errorf("/srv/data: %w", persist.ErrSilent), 503, "not ready: the file system does not answer\n"},
		{true, nil, 200, "ok\n"},
	} {
		fault = c.fault
		g.ready.Store(c.ready)
		w := httptest.NewRecorder()
		answer(w, g.unready())
		if w.Code != c.status || w.Body.String() != c.text {
			t.Errorf("ready %v, %v: %d %q, want %d %q", c.ready, c.fault, w.Code, w.Body, c.status, c.text)
		}
	}
}
