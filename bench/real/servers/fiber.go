package main

import (
	"context"
	"net"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/limiter"
)

// fiberServer serves a fiber app as fiber does, on fasthttp.
type fiberServer struct{ app *fiber.App }

// Serve implements [server].
func (s fiberServer) Serve(l net.Listener) error {
	return s.app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
}

// Shutdown implements [server].
func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }

// fiberFixed is fiber's limiter as it is set by default: windows from a key's first call on, on a clock of whole
// seconds; X-RateLimit-* with the seconds until the reset, and Retry-After on refusals.
func fiberFixed(r rule, notes *accessLog) (server, error) {
	return fiberLimited(r, notes, limiter.FixedWindow{}), nil
}

// fiberSliding is the same with a sliding counter. Refused calls count.
func fiberSliding(r rule, notes *accessLog) (server, error) {
	return fiberLimited(r, notes, limiter.SlidingWindow{}), nil
}

func fiberLimited(r rule, notes *accessLog, algorithm limiter.Handler) server {
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		began := time.Now()
		err := c.Next()
		notes.note(began, c.Response().StatusCode(), c.Get("Webhook-Id"))
		return err
	})
	app.Use(limiter.New(limiter.Config{Max: r.limit, Expiration: r.window, LimiterMiddleware: algorithm}))
	app.All("/*", func(c fiber.Ctx) error {
		time.Sleep(r.delay)
		return c.SendString("ok\n")
	})
	return fiberServer{app}
}
