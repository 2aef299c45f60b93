package real

import (
	"context"
	"path/filepath"
	"strconv"
	"time"
)

// expresses returns express-rate-limit with each kind of header it can send. Its windows begin with a caller's first
// call; resets are whole seconds, rounded up.
//
// https://express-rate-limit.mintlify.app/reference/configuration
func expresses() []Destination {
	ten, second := 10*time.Second, time.Second
	const after = ", Retry-After"
	return []Destination{
		nodeServer("express-legacy", "X-RateLimit-* (epoch)"+after, Rule{Limit: 100, Per: ten}, "express", "legacy"),
		nodeServer("express-draft-6", "RateLimit-* (draft 6)"+after, Rule{Limit: 100, Per: ten}, "express", "draft-6"),
		nodeServer("express-draft-7", "RateLimit (draft 7)"+after, Rule{Limit: 100, Per: ten}, "express", "draft-7"),
		nodeServer("express-draft-8", "RateLimit (draft 8)"+after, Rule{Limit: 100, Per: ten}, "express", "draft-8"),
		nodeServer("express-minute", "RateLimit (draft 8)"+after, Rule{Limit: 600, Per: time.Minute}, "express", "draft-8"),
		nodeServer("express-second", "RateLimit (draft 7)"+after, Rule{Limit: 25, Per: second}, "express", "draft-7"),
		nodeServer("express-twice", "X-RateLimit-* (epoch) of another limit"+after, Rule{Limit: 5, Per: second}, "express", "legacy twice"),
		nodeServer("express-both", "RateLimit (draft 8) of two limits"+after, Rule{Limit: 5, Per: second}, "express", "draft-8 twice"),
		nodeServer("express-silent", "", Rule{Limit: 100, Per: ten}, "express", "silent"),
	}
}

// nodes returns the limiters of other frameworks; bench/real/node says what each tells.
func nodes() []Destination {
	ten := 10 * time.Second
	return []Destination{
		nodeServer("fastify", "X-RateLimit-* (seconds), Retry-After", Rule{Limit: 100, Per: ten}, "fastify", ""),
		nodeServer("fastify-draft", "RateLimit-* (seconds), Retry-After", Rule{Limit: 100, Per: ten}, "fastify", "draft"),
		nodeServer("fastify-backoff", "X-RateLimit-* and Retry-After on refusals alone, twice as long for each", Rule{Limit: 50, Per: 5 * time.Second},
			"fastify", "backoff"),
		nodeServer("hapi", "X-RateLimit-User* (epoch in ms)", Rule{Limit: 100, Per: ten}, "hapi", ""),
		nodeServer("hono", "RateLimit-* (draft 6), Retry-After", Rule{Limit: 100, Per: ten}, "hono", "draft-6"),
		nodeServer("hono-minute", "RateLimit (draft 7), Retry-After", Rule{Limit: 300, Per: time.Minute}, "hono", "draft-7"),
		nodeServer("nest", "X-RateLimit-* (seconds), Retry-After of a window", Rule{Limit: 100, Per: ten}, "nest", ""),
		nodeServer("nest-three", "X-RateLimit-*-short, -medium and -long (seconds)", Rule{Limit: 100, Per: time.Minute}, "nest", "three"),
		nodeServer("koa", "X-RateLimit-* (epoch, fractions), Retry-After rounded down", Rule{Limit: 100, Per: ten}, "koa", ""),
		nodeServer("flexible", "X-RateLimit-* (epoch), Retry-After always", Rule{Limit: 100, Per: ten}, "flexible", ""),
		nodeServer("flexible-after", "Retry-After, rounded to the nearest second but 0", Rule{Limit: 100, Per: ten}, "flexible", "after"),
	}
}

func nodeServer(name, tells string, rule Rule, kind, dialect string) Destination {
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: tells,
		Needs: []Tool{node, nodePackages},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			p, err := serve(ctx, at.addr, at.dir, "", t[node], filepath.Join(t[nodePackages], "server.mjs"), kind,
				"--listen", at.addr, "--log", at.log, "--limit", strconv.Itoa(rule.Limit),
				"--window", strconv.FormatInt(rule.Per.Milliseconds(), 10), "--dialect", dialect)
			return some(p), err
		},
	}
}
