// express-rate-limit: windows from a key's first call on. The dialect is legacy (X-RateLimit-* with epoch seconds),
// draft-6, draft-7 or draft-8 of the RateLimit fields, or silent; all but silent come with Retry-After on refusals.

import express from 'express'
import { rateLimit } from 'express-rate-limit'

export function handler ({ limit, window, dialect }) {
  const app = express()
  app.use(rateLimit({
    windowMs: window,
    limit,
    legacyHeaders: dialect === 'legacy',
    standardHeaders: dialect.startsWith('draft-') ? dialect : false
  }))
  app.use((req, res) => res.send('ok\n'))
  return app
}
