// The gateway behind a real socket: bounds on headers and time, and an orderly end (GW-11, GW-14, ACC-14).
import { getRequestListener } from '@hono/node-server'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { networksOf, type Networks } from '../core/networks.ts'
import { inTime, late, type Clock } from '../ports/clock.ts'
import type { Gateway } from './app.ts'
import { peerOf, type Connection } from './peer.ts'
import { quietConnections } from './quiet-connections.ts'

export interface ServeOptions {
  readonly host: string
  readonly port: number // 0: any free one
  readonly clock: Clock
  /** Addresses and CIDR ranges of proxies with TLS: their forwarded headers count (ACC-14). */
  readonly trustedProxy?: readonly string[]
  readonly drainDelayMs?: number
  /** With it the socket speaks TLS and nothing else. */
  readonly tls?: TlsIdentity
  /** After so long without a byte either way a connection is cut; default 180 s. */
  readonly idleMs?: number
}

/** A certificate with its chain, and its key, both in PEM. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
}

export interface Served {
  readonly url: string
  readonly port: number
  /** New connections see this certificate; those that stand go on. Only where TLS is spoken. */
  renew(tls: TlsIdentity): void
  /** Readiness turns to 503 at once; requests in flight end within 30 s. True if all did. */
  stop(): Promise<boolean>
}

/**
 * The proxies whose word counts. @throws `invalid_input` for an address that other machines reach without TLS, here or in a listed proxy, and for
 * what is no address of a proxy
 */
export function checkBind({ host, trustedProxy = [] }: Pick<ServeOptions, 'host' | 'trustedProxy'>, speaksTls: boolean): Networks {
  const proxies = networksOf(trustedProxy)
  if (['127.0.0.1', '::1', 'localhost'].includes(host) || speaksTls || proxies.size > 0) return proxies
  throw new RecollectError(
    'invalid_input',
    'another bind than loopback needs TLS',
    'Bind 127.0.0.1, set gateway.tls.certFile and gateway.tls.keyFile, or list the proxy with TLS before the gateway in gateway.trustedProxy.',
  )
}

/** @throws `invalid_input` as `checkBind` · `unavailable` when the port is taken */
export async function serveGateway(gateway: Gateway, options: ServeOptions): Promise<Served> {
  const proxies = checkBind(options, options.tls !== undefined)
  const { server, endQuiet } = await listening(gateway, options, proxies)
  const port = (server.address() as AddressInfo).port
  return {
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://${callableHost(options.host)}:${port}`,
    renew(tls) {
      if ('setSecureContext' in server) server.setSecureContext(secured(tls))
    },
    async stop() {
      gateway.drain()
      if (options.drainDelayMs !== undefined) await options.clock.sleep(options.drainDelayMs)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      endQuiet()
      const all = (await inTime(options.clock, limits.drainMs, closed)) !== late
      if (!all) server.closeAllConnections()
      await gateway.close()
      return all
    },
  }
}

interface Listening {
  readonly server: Server | TlsServer
  readonly endQuiet: () => void
}

function listening(gateway: Gateway, options: ServeOptions, proxies: Networks): Promise<Listening> {
  const listener = getRequestListener(
    async (request: Request, env: unknown) => atOnce(await gateway.fetch(request, peerOf(connectionOf(env), request.headers, proxies)), env),
    { hostname: options.host, overrideGlobalObjects: false, errorHandler: () => gateway.unreadable() }, // a URL that does not parse; `fetch` answers all else
  )
  return new Promise((resolve, reject) => {
    const bounds = {
      maxHeaderSize: limits.headersBytes,
      requestTimeout: limits.requestMs,
      headersTimeout: limits.headerReadMs,
      keepAliveTimeout: limits.keepAliveMs,
    }
    const answer: RequestListener = (incoming, outgoing) => {
      // While the server ends, a connection goes with its last answer, and not when its client has been idle for a while.
      outgoing.once('close', () => setImmediate(() => server.listening || server.closeIdleConnections()))
      void listener(incoming, outgoing)
    }
    const server =
      options.tls === undefined
        ? createServer(bounds, answer)
        : createTlsServer({ ...bounds, ...secured(options.tls), handshakeTimeout: limits.headerReadMs }, answer)
    const endQuiet = quietConnections(server, options.tls !== undefined)
    server.setTimeout(options.idleMs ?? limits.socketIdleMs)
    server.listen(options.port, options.host, () => resolve({ server, endQuiet }))
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

/** The version is said here, since the process's own default can be set lower from outside (`NODE_OPTIONS`). */
const secured = ({ cert, key }: TlsIdentity) => ({ cert, key, minVersion: 'TLSv1.2' }) as const

/** Where a client on this machine reaches a bind, which for every address at once is any of them. */
function callableHost(host: string): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return reached.includes(':') ? `[${reached}]` : reached
}

/** The server waits for the second piece of a body whose length nobody told, to tell it. A stream's first byte waits for nothing (OAI-15). */
function atOnce(response: Response, env: unknown): Response {
  const knowsChunks = (env as { incoming?: { httpVersion?: string } }).incoming?.httpVersion !== '1.0'
  if (knowsChunks && response.headers.get('content-type')?.startsWith('text/event-stream') === true)
    response.headers.set('transfer-encoding', 'chunked')
  return response
}

/** The socket of a request, as the server's bindings give it. */
function connectionOf(env: unknown): Connection {
  const socket = (env as { incoming?: { socket?: { remoteAddress?: string; encrypted?: boolean } } }).incoming?.socket
  return { address: socket?.remoteAddress, encrypted: socket?.encrypted === true }
}
