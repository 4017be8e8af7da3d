// Who stands at the other end: the socket's peer, or what a listed proxy says of it (ACC-14).
import { isIP } from 'node:net'
import type { Networks } from '../core/networks.ts'

/** The client of a request, as the server that took it knows it. */
export interface Peer {
  readonly address: string // for limits
  readonly https: boolean // by the client's own connection: then the answer carries HSTS
}

export interface Connection {
  readonly address: string | undefined
  readonly encrypted: boolean
}

/** Forwarded headers count only from a listed proxy, and only as far back as each hop is one: what stands before was written by anybody. */
export function peerOf({ address, encrypted }: Connection, headers: Headers, proxies: Networks): Peer {
  const own = address === undefined ? 'unknown' : plain(address)
  if (!proxies.has(own)) return { address: own, https: encrypted }
  const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => plain(hop.trim()))
  let client = own
  for (const hop of hops.toReversed()) {
    if (isIP(hop) === 0) break
    client = hop
    if (!proxies.has(hop)) break
  }
  const scheme = headers.get('x-forwarded-proto')?.split(',').at(-1)?.trim().toLowerCase()
  return { address: client, https: scheme === undefined ? encrypted : scheme === 'https' }
}

/** `::ffff:10.0.0.1` → `10.0.0.1`; `10.0.0.1:4711` and `[::1]:4711` without the port. */
const plain = (address: string): string =>
  address
    .replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^\[([^\]]+)\](?::\d+)?$/, '$1')
