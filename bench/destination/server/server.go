// Package server is a destination one can call: an HTTP server that answers webhooks as a rate-limited API would, and
// counts what it was sent.
//
// It is the shell around the models of bench/destination: it owns the clock, the sockets and the lock, they decide. It
// serves tests, measurements and the sink command; it never verifies a signature and keeps no body.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// MaxBody is the largest request body read, in bytes; larger ones are answered 413 and not counted.
const MaxBody = 32 << 20

// Config is what a destination does with its calls. The zero value accepts all of them with 200.
type Config struct {
	Limiter destination.Spec    // what is refused with 429; Limit 0: nothing
	Headers destination.Dialect // how the limit is told, on every response; empty: not at all
	// Latency is how long each response takes, refusals too. It holds back no other connection; calls pipelined on
	// one connection are answered one after the other.
	Latency time.Duration
	// Status answers the calls that the limiter lets through, 200 to 599; 0: 200, or 500 with FailFor.
	Status int
	// FailFor is how long, from the first call on, all calls are answered with Status whatever the limiter says, and
	// spend nothing of its allowance; afterwards accepted calls are answered 200. 0: Status is for good.
	FailFor time.Duration
	// Log receives one JSON object per call and line, in the order of the decisions, at most 100 ms late; nil: none.
	Log io.Writer
	// NoDate leaves the Date field out of responses. fasthttp keeps that date with a goroutine that never ends, which
	// a test in virtual time cannot have.
	NoDate bool
}

// Validate reports all that is wrong with the configuration, or nil.
func (c Config) Validate() error {
	var errs []error
	if c.Limiter.Limit != 0 {
		errs = append(errs, c.Limiter.Validate())
	}
	if c.Headers != "" {
		errs = append(errs, c.Headers.Validate())
	}
	if c.Latency < 0 {
		errs = append(errs, fmt.Errorf("latency %s: must be 0s or more", c.Latency))
	}
	if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
		errs = append(errs, fmt.Errorf("status %d: must be 200 to 599, or 0 for the default", c.Status))
	}
	if c.FailFor < 0 {
		errs = append(errs, fmt.Errorf("fail for %s: must be 0s or more", c.FailFor))
	}
	return errors.Join(errs...)
}

// Server is a destination being served. Its methods may be called from many goroutines.
type Server struct {
	headers destination.Dialect
	latency time.Duration
	status  int // of calls let through; with failFor, of calls while it lasts
	failFor time.Duration

	http    *fasthttp.Server
	closing chan struct{} // closed by Shutdown: responses held back for their latency go out
	close   sync.Once
	log     *logbook // nil: none

	mu      sync.Mutex
	limiter *destination.Limiter // nil: no limit
	tally   tally
}

// New returns a server that has seen no call, or an error that names every fault of the configuration.
func New(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		headers: config.Headers,
		latency: config.Latency,
		status:  config.Status,
		failFor: config.FailFor,
		closing: make(chan struct{}),
		tally:   newTally(),
	}
	if s.status == 0 {
		s.status = fasthttp.StatusOK
		if s.failFor > 0 {
			s.status = fasthttp.StatusInternalServerError
		}
	}
	if config.Limiter.Limit != 0 {
		limiter, err := destination.New(config.Limiter)
		if err != nil {
			return nil, err
		}
		s.limiter = limiter
	}
	if config.Log != nil {
		s.log = newLogbook(config.Log)
	}
	// Reads, writes and idle connections have no deadline: a destination that hangs up on a gateway's kept-alive
	// connection is a test of its own. Bodies are taken as the bytes they are, multipart forms too.
	s.http = &fasthttp.Server{
		Handler:                      s.handle,
		MaxRequestBodySize:           MaxBody,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		NoDefaultDate:                config.NoDate,
		DisablePreParseMultipartForm: true,
	}
	return s, nil
}

// Serve answers calls that come in through ln until Shutdown, and then returns nil. Requests that are no HTTP never
// become calls: they are answered 400 and not counted.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); err != nil {
		return fmt.Errorf("serve calls on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting, answers at once what waits for its latency, and writes the rest of the log. It returns
// when all connections are closed or ctx is done, and the first error met in writing the log, then or before.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close.Do(func() { close(s.closing) })
	var errs []error
	if err := s.http.ShutdownWithContext(ctx); err != nil {
		errs = append(errs, fmt.Errorf("close connections: %w", err))
	}
	if s.log != nil {
		errs = append(errs, s.log.flush())
	}
	return errors.Join(errs...)
}

// Stats returns what was counted so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally.stats()
}
