package main

import (
	"io"
	"net/http"
	"time"

	"github.com/didip/tollbooth/v7"
	chi "github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/sethvargo/go-limiter/httplimit"
	"github.com/sethvargo/go-limiter/memorystore"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/memstore"
	"github.com/ulule/limiter/v3"
	ululestdlib "github.com/ulule/limiter/v3/drivers/middleware/stdlib"
	ululememory "github.com/ulule/limiter/v3/drivers/store/memory"
	"go.uber.org/ratelimit"
	"golang.org/x/time/rate"
)

// plain serves a limiter for net/http.
func plain(limit func(rule, http.Handler) (http.Handler, error)) func(rule, *accessLog) (server, error) {
	return func(r rule, notes *accessLog) (server, error) {
		h, err := limit(r, api(r.delay))
		if err != nil {
			return nil, err
		}
		return &http.Server{Handler: notes.around(h), ReadHeaderTimeout: 10 * time.Second}, nil
	}
}

// api is what the limiters stand before: it takes its time and answers 200.
func api(delay time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(delay)
		_, _ = io.WriteString(w, "ok\n")
	})
}

// unlimited is the API as it is, for a proxy that limits before it.
func unlimited(_ rule, next http.Handler) (http.Handler, error) { return next, nil }

// gcra is throttled/v2: the generic cell rate algorithm; X-RateLimit-* with the seconds until the burst is whole again,
// and Retry-After on refusals. Its MaxBurst is what may come at once beyond the one call that always may.
func gcra(r rule, next http.Handler) (http.Handler, error) {
	store, err := memstore.NewCtx(1024)
	if err != nil {
		return nil, err
	}
	quota := throttled.RateQuota{MaxRate: throttled.PerDuration(r.limit, r.window), MaxBurst: r.burst - 1}
	limiter, err := throttled.NewGCRARateLimiterCtx(store, quota)
	if err != nil {
		return nil, err
	}
	h := throttled.HTTPRateLimiterCtx{RateLimiter: limiter}
	return h.RateLimit(next), nil
}

// ulule is ulule/limiter: windows from a key's first call on, X-RateLimit-* with epoch seconds, no Retry-After.
func ulule(r rule, next http.Handler) (http.Handler, error) {
	l := limiter.New(ululememory.NewStore(), limiter.Rate{Period: r.window, Limit: int64(r.limit)})
	return ululestdlib.NewMiddleware(l).Handler(next), nil
}

// chiHTTPRate is go-chi/httprate: a sliding counter; X-RateLimit-* with epoch seconds, and a Retry-After of the whole
// window on refusals.
func chiHTTPRate(r rule, next http.Handler) (http.Handler, error) {
	return httprate.LimitBy(r.limit, r.window, httprate.Key("callers"))(next), nil
}

// chiThrottle is chi's own Throttle: so many calls at once, and 429 with nothing beside it for one more.
func chiThrottle(r rule, next http.Handler) (http.Handler, error) {
	return chi.Throttle(r.limit)(next), nil
}

// echoBucket is echo's RateLimiter with the store that comes with it: a bucket that holds a second's worth; it says nothing
// but 429. Its rate is by the second.
func echoBucket(r rule, next http.Handler) (http.Handler, error) {
	perSecond := rate.Limit(float64(r.limit) / r.window.Seconds())
	e := echo.New()
	e.Use(middleware.RateLimiter(middleware.NewRateLimiterMemoryStore(perSecond)))
	e.Any("/*", echo.WrapHandler(next))
	return e, nil
}

// toll is didip/tollbooth: a bucket that holds a second's worth, for limits by the second; RateLimit-* whose Reset is
// always 1, and X-Rate-Limit-Limit with decimals.
func toll(r rule, next http.Handler) (http.Handler, error) {
	l := tollbooth.NewLimiter(float64(r.limit)/r.window.Seconds(), nil).SetBurst(r.burst)
	return tollbooth.LimitHandler(l, next), nil
}

// sethvargo is sethvargo/go-limiter: windows from a key's first call on; X-RateLimit-Reset and, on refusals,
// Retry-After as RFC 1123 dates, whose fraction of a second is cut off.
func sethvargo(r rule, next http.Handler) (http.Handler, error) {
	store, err := memorystore.New(&memorystore.Config{Tokens: uint64(r.limit), Interval: r.window}) //nolint:gosec // not negative
	if err != nil {
		return nil, err
	}
	m, err := httplimit.NewMiddleware(store, httplimit.IPKeyFunc())
	if err != nil {
		return nil, err
	}
	return m.Handle(next), nil
}

// uber is go.uber.org/ratelimit: each call waits for its turn, however many wait; it refuses none and says nothing.
func uber(r rule, next http.Handler) (http.Handler, error) {
	l := ratelimit.New(r.limit, ratelimit.Per(r.window), ratelimit.WithSlack(r.burst))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		l.Take()
		next.ServeHTTP(w, req)
	}), nil
}

// xTimeRate is a handler that asks golang.org/x/time/rate and says nothing but 429.
func xTimeRate(r rule, next http.Handler) (http.Handler, error) {
	l := rate.NewLimiter(rate.Limit(float64(r.limit)/r.window.Seconds()), r.burst)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !l.Allow() {
			http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, req)
	}), nil
}
