// koa-ratelimit in memory: windows from a key's first call on; X-RateLimit-Reset in epoch seconds with their fraction,
// and on refusals a Retry-After whose fraction is cut off: it may be 0, and it may be early.

import Koa from 'koa'
import rateLimit from 'koa-ratelimit'

export function handler ({ limit, window }) {
  const app = new Koa()
  app.use(rateLimit({ driver: 'memory', db: new Map(), duration: window, max: limit }))
  app.use(ctx => { ctx.body = 'ok\n' })
  return app.callback()
}
