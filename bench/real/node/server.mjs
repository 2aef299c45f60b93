// A small HTTP API behind one of the rate limiters that Node programs use, each as its own documentation sets it up.
// `go run ./bench real` drives it through the gateway. Every answer is noted in a file, so that what was accepted and
// refused is the server's own word: when it was given in seconds since 1970, what it took in seconds, its status, and
// the webhook's id ("-": none).
//
//   node server.mjs KIND --listen 127.0.0.1:9000 --log access.log --limit 100 --window 10000 [--dialect draft-8]

import { closeSync, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

const kinds = {
  express: () => import('./express.mjs'),
  fastify: () => import('./fastify.mjs'),
  flexible: () => import('./flexible.mjs'),
  hapi: () => import('./hapi.mjs'),
  hono: () => import('./hono.mjs'),
  koa: () => import('./koa.mjs'),
  nest: () => import('./nest.mjs')
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    listen: { type: 'string' },
    log: { type: 'string' },
    limit: { type: 'string' },
    window: { type: 'string' }, // milliseconds
    dialect: { type: 'string', default: '' }
  }
})
const kind = kinds[positionals[0]]
if (!kind) throw new Error(`${positionals[0]} is not one of ${Object.keys(kinds).join(', ')}`)

const { handler } = await kind()
const handle = await handler({
  limit: Number(values.limit),
  window: Number(values.window),
  dialect: values.dialect
})

const log = openSync(values.log, 'a')
const server = createServer((req, res) => {
  const began = performance.now()
  res.once('finish', () => {
    const took = (performance.now() - began) / 1000
    const id = req.headers['webhook-id'] ?? '-'
    writeSync(log, `${(Date.now() / 1000).toFixed(3)} ${took.toFixed(6)} ${res.statusCode} ${id}\n`)
  })
  handle(req, res)
})

const end = () => {
  server.close(() => closeSync(log))
  server.closeIdleConnections()
}
process.once('SIGTERM', end)
process.once('SIGINT', end)

const [host, port] = values.listen.split(':')
server.listen(Number(port), host)
