// The gateway behind a real socket: bounds on headers and time, and an orderly end (GW-11, GW-14, ACC-14).
import { serve, type ServerType } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Gateway } from './app.ts'

export interface ServeOptions {
  readonly host: string
  readonly port: number // 0: any free one
  readonly clock: Clock
  readonly trustedProxy?: boolean
  readonly drainDelayMs?: number
}

export interface Served {
  readonly url: string
  readonly port: number
  /** Readiness turns to 503 at once; requests in flight end within 30 s. True if all did. */
  stop(): Promise<boolean>
}

/** @throws `invalid_input` for a bind that anybody could reach without TLS or a trusted proxy · `unavailable` when the port is taken */
export async function serveGateway(gateway: Gateway, options: ServeOptions): Promise<Served> {
  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(options.host)
  if (!loopback && options.trustedProxy !== true)
    throw new RecollectError(
      'invalid_input',
      'another bind than loopback needs TLS in front',
      'Bind 127.0.0.1, or set gateway.trustedProxy when a proxy with TLS stands before the gateway.',
    )
  const server = await listening(gateway, options)
  const port = (server.address() as AddressInfo).port
  return {
    port,
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async stop() {
      gateway.drain()
      if (options.drainDelayMs !== undefined) await options.clock.sleep(options.drainDelayMs)
      const http = server as Server
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeIdleConnections()
      const all = await Promise.race([closed.then(() => true), options.clock.sleep(limits.drainMs, undefined, 'background').then(() => false)])
      if (!all) http.closeAllConnections()
      await gateway.close()
      return all
    },
  }
}

function listening(gateway: Gateway, options: ServeOptions): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        hostname: options.host,
        port: options.port,
        overrideGlobalObjects: false,
        serverOptions: {
          maxHeaderSize: limits.headersBytes,
          requestTimeout: limits.requestMs,
          headersTimeout: limits.headerReadMs,
          keepAliveTimeout: limits.keepAliveMs,
        },
        fetch: (request: Request, env: unknown) => gateway.fetch(request, addressOf(request, socketAddress(env), options.trustedProxy === true)),
      },
      () => resolve(server),
    )
    server.once('error', (cause) =>
      reject(
        new RecollectError(
          'unavailable',
          `the address ${options.host}:${options.port} cannot be used`,
          'Choose another port with --port or RECOLLECT_GATEWAY_PORT, or end what uses this one.',
          { cause },
        ),
      ),
    )
  })
}

/** The peer of the socket, as the server's bindings give it. */
const socketAddress = (env: unknown): string | undefined =>
  (env as { incoming?: { socket?: { remoteAddress?: string } } }).incoming?.socket?.remoteAddress

/** Forwarded headers count only behind the proxy that the configuration names (ACC-14). */
function addressOf(request: Request, socket: string | undefined, trustedProxy: boolean): string {
  const forwarded = trustedProxy ? request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return forwarded ?? socket ?? 'unknown'
}
