// express-rate-limit: windows from a key's first call on. The dialect is legacy (X-RateLimit-* with epoch seconds),
// draft-6, draft-7 or draft-8 of the RateLimit fields, or silent; all but silent come with Retry-After on refusals. Behind
// "twice", a second limiter allows twice as much over a minute, and tells over the first, whose refusals alone tell of it.

import express from 'express'
import { rateLimit } from 'express-rate-limit'

export function handler ({ limit, window, dialect }) {
  const [headers, twice] = dialect.split(' ')
  const tells = { legacyHeaders: headers === 'legacy', standardHeaders: headers.startsWith('draft-') ? headers : false }
  const app = express()
  app.use(rateLimit({ windowMs: window, limit, ...tells }))
  if (twice) app.use(rateLimit({ windowMs: 60_000, limit: 2 * limit * 60_000 / window, ...tells }))
  app.use((req, res) => res.send('ok\n'))
  return app
}
