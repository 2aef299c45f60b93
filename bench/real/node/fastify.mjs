// @fastify/rate-limit: windows from a key's first call on; X-RateLimit-* with the seconds until the reset, rounded up,
// and Retry-After on refusals. The dialect draft has the same told as RateLimit-*. With backoff, only refusals tell, and each one in a
// row makes the window twice as long.

import fastify from 'fastify'
import rateLimit from '@fastify/rate-limit'

export async function handler ({ limit, window, dialect }) {
  const app = fastify()
  const silent = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false }
  await app.register(rateLimit, {
    max: limit,
    timeWindow: window,
    enableDraftSpec: dialect === 'draft',
    ...(dialect === 'backoff' && { exponentialBackoff: true, addHeadersOnExceeding: silent })
  })
  app.post('/*', () => 'ok\n')
  await app.ready()
  return (req, res) => app.server.emit('request', req, res)
}
