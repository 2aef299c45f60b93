// @nestjs/throttler: each call counts until it is a window old. X-RateLimit-* on accepted calls, the reset in seconds until the
// first one's window is over; on refusals Retry-After alone, a whole window, and calls are refused for as long. The dialect three has
// the windows of its documentation's example, each told under names of its own.

import 'reflect-metadata'
import { All, Controller, Module } from '@nestjs/common'
import { APP_GUARD, NestFactory } from '@nestjs/core'
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler'

export async function handler ({ limit, window, dialect }) {
  class Api { hook () { return 'ok\n' } }
  All('*path')(Api.prototype, 'hook', Object.getOwnPropertyDescriptor(Api.prototype, 'hook'))
  Controller()(Api)

  const long = { name: 'long', ttl: window, limit }
  const windows = dialect === 'three'
    ? [{ name: 'short', ttl: 1000, limit: 3 }, { name: 'medium', ttl: 10_000, limit: 20 }, long]
    : [{ ttl: window, limit }]

  class App {}
  Module({
    imports: [ThrottlerModule.forRoot(windows)],
    controllers: [Api],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }]
  })(App)

  const app = await NestFactory.create(App, { logger: ['error'] })
  await app.init()
  return app.getHttpAdapter().getInstance()
}
