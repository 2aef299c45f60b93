// hono-rate-limiter: windows from a key's first call on. The dialect is draft-6 or draft-7 of the RateLimit fields; Retry-After
// on refusals.

import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'

export function handler ({ limit, window, dialect }) {
  const app = new Hono()
  app.use(rateLimiter({ windowMs: window, limit, standardHeaders: dialect, keyGenerator: () => 'caller' }))
  app.all('*', c => c.text('ok\n'))
  return getRequestListener(app.fetch)
}
