package badgerstore

import (
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// logged is what a store has logged so far. Badger, too, logs there when it likes to: a test may read it while more is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logger writes there what an operator would see.
func (l *logged) logger() zerolog.Logger { return zerolog.New(l).Level(zerolog.InfoLevel) }
