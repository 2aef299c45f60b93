// Package egress sends a webhook to its destination: one HTTP/1.1 exchange, guarded in where it goes and bounded in
// time and memory.
//
// It never decides what an answer means (gateway/policy does), never repeats a request, follows no redirect unless the
// request says how many (redirect.go), uses no proxy from the environment, and never sends anything to an address that
// the Guard refuses: the check is made on the concrete address at the moment it is dialled, so a name that resolves
// differently the second time gains nothing.
//
// # What the destination gets
//
// What the caller wrote: the method, the path and the query byte for byte (a fragment is not part of a request, and an
// empty path is "/"; RFC 9112 section 3.2.1), every header in the given order and case, the body byte for byte. Added
// are only Host, which comes first (RFC 9110 section 7.2), Content-Length, which comes last, and, where the caller
// wrote none and Settings.UserAgent is set, User-Agent before it.
//
// # What is fasthttp's, and what is ours
//
// fasthttp's ResponseHeader reads and holds the head of a response; bodies in chunks are read by the standard library. Its
// HostClient is not used, because it repeats requests, does not tell whether a kept connection was used, makes an error of an
// answered request whose response's body is longer than allowed or came before the request was read, and has a goroutine for each
// destination. Ours are:
//
//   - the origins and the pools of their connections (origin.go, pool.go);
//   - the request's bytes, for what is promised above;
//   - the buffers, which calls to all origins share (buffers.go);
//   - connecting and TLS, for the guard and the causes of failure (dial.go);
//   - the look at a kept connection before a request that must not be repeated is trusted to it (probe_unix.go), the
//     bounds on how many are kept, and the list of open ones that Close breaks off (conn.go);
//   - how much of a body is read (body.go);
//   - the status of a head that fasthttp refuses whole, for one odd line in it (reader.salvage).
//
// # Memory
//
// A call that waits for its answer holds a 4 KiB read buffer, about 1.5 KiB of bookkeeping (connection, pool entry,
// header) and the stack of its goroutine, 8 KiB: under 14 KiB, for 10,000 in flight about 135 MiB, the kernel's socket
// buffers apart. TLS adds about 20 KiB a connection while records are read. A head beyond 4 KiB takes 16 KiB (MaxHead)
// more while it is read; a response's fields cost what they have, and Settings.MaxResponse (4 KiB) bounds the body,
// whatever lengths it announces.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The defaults of Settings and Request.
const (
	DefaultTimeout        = 90 * time.Second // of a whole attempt, when Request.Timeout is zero
	DefaultConnect        = 10 * time.Second // of resolving, connecting and TLS, when Request.Connect is zero
	DefaultIdleTimeout    = 60 * time.Second
	DefaultMaxIdle        = 10_000
	DefaultMaxIdlePerHost = 512
	DefaultMaxResponse    = 4 << 10 // what is recorded (1 KiB), and room for a retry_after within a JSON body
)

// Settings is how a Client is wired. The zero value calls public addresses on ports 80 and 443.
type Settings struct {
	Rules

	// UserAgent is sent where the caller wrote no User-Agent. Empty: none is added.
	UserAgent string
	// MaxResponse is how many bytes of a response's body are kept; 0: DefaultMaxResponse. A longer body is no error.
	MaxResponse int
	// IdleTimeout is how long a connection is kept unused; 0: DefaultIdleTimeout.
	IdleTimeout time.Duration
	// MaxIdle and MaxIdlePerHost bound the kept connections, in all and for each scheme and authority; 0: the
	// defaults. How many are in use at once is for the caller to bound.
	MaxIdle, MaxIdlePerHost int
	// MaxOpen bounds the connections, in use and kept; it is to be more than are in use at once. To make another, one that
	// is kept is closed. 0: there is no bound.
	MaxOpen int
	// RootCAs are what certificates are verified against; nil: the system's.
	RootCAs *x509.CertPool
	// Resolver resolves names; nil: net.DefaultResolver.
	Resolver *net.Resolver
	// Dial replaces resolving, the guard and connecting, for destinations in memory. TLS is still spoken over what it
	// returns. Nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Rules are what may change while a Client is in use: where it may go, and how.
type Rules struct {
	Guard
	// Ways says how a host is reached, an authority in lower case as record.Lane has it, but the port left out on 443
	// whatever the scheme. Nil, or a nil answer: directly, with the system's certificates.
	Ways func(host string) *Way
}

// Client makes HTTP exchanges, many at once, and keeps connections for the next ones.
type Client struct {
	set    Settings
	rules  atomic.Pointer[Rules]
	tls    *tls.Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	idle       atomic.Int64 // kept connections of all origins
	connecting atomic.Int64 // connections being made

	mu      sync.RWMutex
	origins map[string]*origin // by scheme and authority as written in URLs
	live    map[*conn]struct{} // every open connection
	sweeper *time.Timer        // nil while there is no origin

	forgetAt time.Time // when sweep looks for origins to forget; its own
}

// New returns a client. Close it when it is no longer needed.
func New(set Settings) *Client {
	if set.MaxResponse <= 0 {
		set.MaxResponse = DefaultMaxResponse
	}
	if set.IdleTimeout <= 0 {
		set.IdleTimeout = DefaultIdleTimeout
	}
	if set.MaxIdle <= 0 {
		set.MaxIdle = DefaultMaxIdle
	}
	if set.MaxIdlePerHost <= 0 {
		set.MaxIdlePerHost = DefaultMaxIdlePerHost
	}
	if set.RootCAs == nil {
		_, _ = x509.SystemCertPool() // read once for all: now, and not when there may be no file left to open
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		set: set,
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    set.RootCAs,
			// HTTP/1.1 is what is spoken here, whatever the server could do (RFC 7301).
			NextProtos:         []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(1024),
		},
		ctx: ctx, cancel: cancel,
		origins: map[string]*origin{},
		live:    map[*conn]struct{}{},
	}
	c.rules.Store(&set.Rules)
	return c
}

// Guard returns the guard that the client dials under now, for checks when a webhook is defined.
func (c *Client) Guard() *Guard { return &c.rules.Load().Guard }

// Reconfigure puts other rules in force: every call that begins from now on is made under them, over connections made
// under them. What is under way ends as it began. What is returned closes the connections that were kept: each may take as long as
// a write, so it is to be called where nobody waits.
func (c *Client) Reconfigure(r Rules) (closeKept func()) {
	c.mu.Lock()
	c.rules.Store(&r)
	before := slices.Collect(maps.Values(c.origins))
	clear(c.origins)
	c.mu.Unlock()
	return func() {
		for _, o := range before {
			o.pool.close()
		}
	}
}

// CloseIdle closes the connections that are not in use.
func (c *Client) CloseIdle() {
	c.mu.RLock()
	origins := slices.Collect(maps.Values(c.origins))
	c.mu.RUnlock()
	for _, o := range origins {
		o.pool.closeUnused(time.Now())
	}
}

// Close breaks off what is in flight, with policy.ClassCanceled, and closes every connection. Do may still be called
// and fails at once.
func (c *Client) Close() {
	c.cancel()
	c.CloseIdle()
	c.mu.Lock()
	if c.sweeper != nil {
		c.sweeper.Stop()
		c.sweeper = nil
	}
	clear(c.origins)
	live := slices.Collect(maps.Keys(c.live))
	c.mu.Unlock()
	for _, cn := range live {
		_ = cn.Close() // its user finds out and discards it
	}
}
