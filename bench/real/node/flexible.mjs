// rate-limiter-flexible in memory before express, with the headers that its README sends: Retry-After with a fraction
// on every response, X-RateLimit-Reset in epoch seconds, rounded up. The dialect after is its wiki's: nothing but Retry-After on refusals,
// rounded to the nearest second, and 1 at the least.

import express from 'express'
import { RateLimiterMemory } from 'rate-limiter-flexible'

export function handler ({ limit, window, dialect }) {
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
      const state = await limiter.consume(req.ip)
      if (dialect !== 'after') tell(state)
      next()
    } catch (refused) {
      if (dialect === 'after') res.set('Retry-After', String(Math.round(refused.msBeforeNext / 1000) || 1))
      else tell(refused)
      res.status(429).send('Too Many Requests')
    }
  })
  app.use((req, res) => res.send('ok\n'))
  return app
}
