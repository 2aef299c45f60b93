// hapi-rate-limit: windows from a key's first call on; X-RateLimit-UserLimit, -UserRemaining and -UserReset, the reset in epoch
// milliseconds. On a refusal -1 remains, and there is no Retry-After.

import { createServer } from 'node:http'
import Hapi from '@hapi/hapi'
import HapiRateLimit from 'hapi-rate-limit'

export async function handler ({ limit, window }) {
  const listener = createServer()
  const server = Hapi.server({ listener, autoListen: false })
  await server.register({
    plugin: HapiRateLimit,
    options: { userLimit: limit, userCache: { expiresIn: window }, pathLimit: false }
  })
  server.route({ method: '*', path: '/{path*}', handler: () => 'ok\n' })
  await server.initialize()
  return (req, res) => listener.emit('request', req, res)
}
