package credential

import (
	"sync"

	"github.com/rs/zerolog"
)

// state is which hosts a credential does not work for, so that each change is told once. It is empty while all is well.
type state struct {
	mu      sync.Mutex
	failing map[string]struct{}
}

// maxFailing bounds the hosts that are remembered; beyond it changes are told more than once.
const maxFailing = 1024

func (s *state) failed(log zerolog.Logger, name, host string, why error) {
	s.mu.Lock()
	_, known := s.failing[host]
	if !known && len(s.failing) < maxFailing {
		if s.failing == nil {
			s.failing = map[string]struct{}{}
		}
		s.failing[host] = struct{}{}
	}
	s.mu.Unlock()
	if !known {
		log.Error().Err(why).Str("credential", name).Str("host", host).
			Msg("a credential does not work: what names it waits, no tries are spent, and it is tried again every half minute")
	}
}

func (s *state) recovered(log zerolog.Logger, name, host string) {
	s.mu.Lock()
	_, known := s.failing[host]
	delete(s.failing, host)
	s.mu.Unlock()
	if known {
		log.Info().Str("credential", name).Str("host", host).Msg("a credential works again")
	}
}
