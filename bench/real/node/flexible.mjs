// rate-limiter-flexible in memory before express, with the headers that its README sends: Retry-After with a fraction
// on every response, X-RateLimit-Reset in epoch seconds, rounded up.

import express from 'express'
import { RateLimiterMemory } from 'rate-limiter-flexible'

export function handler ({ limit, window }) {
  const limiter = new RateLimiterMemory({ points: limit, duration: window / 1000 })
  const app = express()
  app.use(async (req, res, next) => {
    const tell = state => res.set({
      'Retry-After': String(state.msBeforeNext / 1000),
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Remaining': String(state.remainingPoints),
      'X-RateLimit-Reset': String(Math.ceil((Date.now() + state.msBeforeNext) / 1000))
    })
    try {
      tell(await limiter.consume(req.ip))
      next()
    } catch (refused) {
      tell(refused)
      res.status(429).send('Too Many Requests')
    }
  })
  app.use((req, res) => res.send('ok\n'))
  return app
}
