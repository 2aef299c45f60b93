// Package egress sends a webhook to its destination: one HTTP/1.1 exchange, guarded in where it goes and bounded in
// time and memory.
//
// It never decides what an answer means (gateway/policy does), never repeats a request, follows no redirect, uses no
// proxy from the environment, and never sends anything to an address that the Guard refuses: the check is made on the
// concrete address at the moment it is dialled, so a name that resolves differently the second time gains nothing.
//
// # What the destination gets
//
// What the caller wrote: the method, the path and the query byte for byte (a fragment is not part of a request, and an
// empty path is "/"; RFC 9112 section 3.2.1), every header in the given order and case, the body byte for byte. Added
// are only Host, which comes first (RFC 9110 section 7.2), Content-Length, which comes last, and, where the caller
// wrote none and Settings.UserAgent is set, User-Agent before it.
//
// # Why not fasthttp's client
//
// The gateway's server side is fasthttp; the wire towards destinations is spoken here. fasthttp's client (v1.74.0)
// does not tell whether a kept connection was used, so a dropped one could not be told from a host in trouble; it
// trusts a kept connection with a request that must not be repeated without looking whether it is still open; it
// turns an answered request into an error when the body is longer than allowed, or when the destination answered
// before it had read the request; it does not keep received fields in their order; and nothing breaks off its calls at
// shutdown. An exchange here costs what one there does (BenchmarkDo: no allocation), the look at a kept connection, 3 %
// of it, included.
//
// # Memory
//
// A call that waits for its answer holds a 4 KiB read buffer, about 1 KiB of bookkeeping (request head, connection,
// pool entry) and the stack of its goroutine, 8 KiB: 13 KiB, for 10,000 in flight 130 MiB, the kernel's socket buffers
// apart. TLS adds about 20 KiB a connection while records are read. An answer costs at most MaxHead (16 KiB, what its
// head really has) and Settings.MaxResponse (4 KiB) more, whatever lengths it announces.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
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
	AllowNets []netip.Prefix   // see Guard
	DenyNets  []netip.Prefix   // see Guard
	Ports     []uint16         // see Guard
	Own       []netip.AddrPort // see Guard

	// UserAgent is sent where the caller wrote no User-Agent. Empty: none is added.
	UserAgent string
	// MaxResponse is how many bytes of a response's body are kept; 0: DefaultMaxResponse. A longer body is no error.
	MaxResponse int
	// IdleTimeout is how long a connection is kept unused; 0: DefaultIdleTimeout. It is closed at most a quarter later.
	IdleTimeout time.Duration
	// MaxIdle and MaxIdlePerHost bound the kept connections, in all and for each scheme and authority; 0: the
	// defaults. How many are in use at once is for the caller to bound.
	MaxIdle, MaxIdlePerHost int
	// RootCAs are what certificates are verified against; nil: the system's.
	RootCAs *x509.CertPool
	// Resolver resolves names; nil: net.DefaultResolver.
	Resolver *net.Resolver
	// Dial replaces resolving, the guard and connecting, for destinations in memory. TLS is still spoken over what it
	// returns. Nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes HTTP exchanges, many at once, and keeps connections for the next ones.
type Client struct {
	set     Settings
	guard   Guard
	tls     *tls.Config
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	readers sync.Pool // *reader
	buffers sync.Pool // *[]byte, request heads

	idle atomic.Int64 // kept connections of all origins

	mu      sync.RWMutex
	origins map[string]*origin // by scheme and authority as written in URLs
	live    map[*conn]struct{} // every open connection
	sweeper *time.Timer        // nil while there is no origin
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
	ctx, cancel := context.WithCancel(context.Background())
	return &Client{
		set:   set,
		guard: Guard{AllowNets: set.AllowNets, DenyNets: set.DenyNets, Ports: set.Ports, Own: set.Own},
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
}

// Guard returns the guard that the client dials under, for checks when a webhook is defined.
func (c *Client) Guard() *Guard { return &c.guard }

// CloseIdle closes the connections that are not in use.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.origins {
		for _, cn := range o.takeIdle() {
			c.idle.Add(-1)
			delete(c.live, cn)
			_ = cn.Close()
		}
	}
}

// Close breaks off what is in flight, with policy.ClassCanceled, and closes every connection. Do may still be called
// and fails at once.
func (c *Client) Close() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sweeper != nil {
		c.sweeper.Stop()
		c.sweeper = nil
	}
	for cn := range c.live {
		_ = cn.Close() // its user finds out and discards it
	}
	for key, o := range c.origins {
		for range o.takeIdle() {
			c.idle.Add(-1)
		}
		delete(c.origins, key)
	}
	clear(c.live)
}
