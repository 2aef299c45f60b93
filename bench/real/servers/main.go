// Command servers is a small HTTP API behind one of the rate limiters that Go programs use, each as its own
// documentation sets it up. `go run ./bench real` builds it and drives it through the gateway; every answer is noted in
// a file, so that what was accepted and refused is the server's own word.
//
// It is a module of its own, which keeps what it needs out of the product's go.mod.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// rule is what a limiter is told to allow. A limiter takes of it what it knows.
type rule struct {
	limit  int           // calls a window; of a bucket, the refill in a window
	window time.Duration // at least a millisecond
	burst  int           // of a bucket: its size
	delay  time.Duration // how long the API behind the limiter takes
}

// server is what serves until it is told to end.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// kinds makes a server for each limiter, by the name that -kind takes.
var kinds = map[string]func(rule, *accessLog) (server, error){
	"chi-httprate":  plain(chiHTTPRate),
	"chi-throttle":  plain(chiThrottle),
	"echo":          plain(echoBucket),
	"fiber-fixed":   fiberFixed,
	"fiber-sliding": fiberSliding,
	"sethvargo":     plain(sethvargo),
	"slow":          plain(unlimited),
	"throttled":     plain(gcra),
	"tollbooth":     plain(toll),
	"uber":          plain(uber),
	"ulule":         plain(ulule),
	"x-time-rate":   plain(xTimeRate),
}

func main() {
	if err := run(); err != nil {
		log.Fatalf("servers: %v", err)
	}
}

func run() error {
	var r rule
	kind := flag.String("kind", "", "the limiter: "+strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	listen := flag.String("listen", "127.0.0.1:0", "host:port")
	file := flag.String("log", "", "where each answer is noted; empty: nowhere")
	flag.IntVar(&r.limit, "limit", 100, "calls a window")
	flag.DurationVar(&r.window, "window", 10*time.Second, "the window")
	flag.IntVar(&r.burst, "burst", 1, "what a bucket holds")
	flag.DurationVar(&r.delay, "delay", 0, "how long the API takes to answer a call that was let through")
	flag.Parse()

	build, ok := kinds[*kind]
	if !ok {
		return fmt.Errorf("-kind %q is not one of %s", *kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	notes, err := openLog(*file)
	if err != nil {
		return err
	}
	defer notes.close()
	s, err := build(r, notes)
	if err != nil {
		return fmt.Errorf("%s: %w", *kind, err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return serve(s, l)
}

// serve serves until SIGINT or SIGTERM, and lets what is under way end.
func serve(s server, l net.Listener) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
