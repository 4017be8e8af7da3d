// What the commands ask of Recollect: in process on the configured stores, or of a gateway over HTTP; the output is the same (CLI-1).
import { RecollectError, errorCodes, type ErrorCode } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { MemoryRecord } from '../core/memory.ts'
import { shownKey } from '../gateway/shown-key.ts'
import type { Page, PageRequest } from '../ports/log-store.ts'
import type { CredentialRequest, ContextOptions, Recollect, Session, SessionInfo, User } from '../recollect.ts'
import { everyPage } from '../security/every-page.ts'

type SearchOptions = NonNullable<Parameters<User['memories']['search']>[1]>
type Json = any // what the two ways give alike; the commands read named fields of it
type ReceiptHead = Awaited<ReturnType<Session['receipts']['list']>>['items'][number]

export interface Backend {
  /** Whose data this is: in process the one that was named, on a gateway that of the key, where none is named. */
  owner(): Promise<string | undefined>
  context(session: string, options: ContextOptions): Promise<Json>
  search(query: string, options: SearchOptions): Promise<Json>
  remember(text: string, options: { kind?: string; slot?: string }): Promise<Json>
  forget(id: string, sources: boolean): Promise<Json>
  memories(limit: number): Promise<readonly MemoryRecord[]>
  sessions(limit: number): Promise<readonly SessionInfo[]>
  session(id: string): Promise<SessionInfo>
  deleteSession(id: string): Promise<Json>
  receipts(session: string, limit: number): Promise<readonly ReceiptHead[]>
  receipt(session: string, id: string): Promise<Json>
  diff(session: string, a: string, b: string): Promise<Json>
  erase(owner: string, dryRun: boolean): Promise<Json>
  usage(session?: string, since?: number): Promise<Json>
  sweep(options: { dryRun?: boolean; until?: number }): Promise<Json>
  keys(): Promise<readonly Json[]>
  createKey(request: CredentialRequest): Promise<{ key: Json; secret: string }>
  rotateKey(id: string): Promise<{ key: Json; secret: string }>
  revokeKey(id: string): Promise<void>
}

/** The first of a listing, over as many pages as they take. */
async function firstOf<T>(most: number, fetch: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const first: T[] = []
  for await (const item of everyPage((page) => fetch({ ...page, limit: Math.min(most, limits.pageItemsMost) }))) if (first.push(item) >= most) break
  return first
}

export function localBackend(recollect: Recollect, user: User): Backend {
  const { tenantId } = user
  return {
    owner: async () => user.ownerId,
    context: async (session, options) => user.preview(session, options),
    search: (query, options) => user.memories.search(query, options),
    remember: async (text, options) => (await user.memories.remember(text, options as Parameters<User['memories']['remember']>[1])).record,
    forget: (id, sources) => user.memories.forget(id, sources ? { sources } : {}),
    memories: (limit) => firstOf(limit, (page) => user.memories.list({}, page)),
    sessions: (limit) => firstOf(limit, user.sessions.list),
    session: async (id) => (await user.sessions.get(id)).info(),
    deleteSession: async (id) => (await user.sessions.get(id)).delete(),
    async receipts(session, limit) {
      const { receipts } = await user.sessions.get(session)
      return firstOf(limit, receipts.list)
    },
    receipt: async (session, id) => (await user.sessions.get(session)).receipts.get(id),
    diff: async (session, a, b) => (await user.sessions.get(session)).receipts.diff(a, b),
    erase: (_, dryRun) => user.erase({ dryRun }),
    usage: (session, since) => user.usage({ ...(session === undefined ? {} : { session }), ...(since === undefined ? {} : { since }) }),
    sweep: (options) => recollect.sweep(options),
    keys: async () => (await firstOf(Infinity, (page) => recollect.credentials.list(tenantId, page))).map(shownKey),
    async createKey(request) {
      const { credential, secret } = await recollect.credentials.create(tenantId, request)
      return { key: shownKey(credential), secret }
    },
    async rotateKey(id) {
      const { credential, secret } = await recollect.credentials.rotate(tenantId, id)
      return { key: shownKey(credential), secret }
    },
    revokeKey: (id) => recollect.credentials.revoke(tenantId, id),
  }
}

export function remoteBackend(
  { url, key, owner }: { readonly url: string; readonly key: string; readonly owner?: string },
  send: typeof fetch,
  timeoutMs: number,
): Backend {
  const call = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Json> => {
    let response: Response
    try {
      response = await send(`${url.replace(/\/+$/, '')}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'TimeoutError')
        throw new RecollectError('timeout', `the gateway did not answer in ${timeoutMs} ms`, 'Try again, or give --timeout-ms more.', { cause })
      if (isCertificateRefused(cause))
        throw new RecollectError(
          'unavailable',
          "the gateway's certificate is not accepted here",
          'Call it by a name of the certificate; for one of your own set NODE_EXTRA_CA_CERTS to its file, or to that of its authority.',
          { cause },
        )
      throw new RecollectError('unavailable', 'the gateway does not answer', 'Check --url, http or https, and that the gateway runs.', { cause })
    }
    if (response.status === 204) return undefined
    const answer: Json = await response.json().catch(() => ({}))
    if (response.ok) return answer
    const code: ErrorCode = Object.hasOwn(errorCodes, answer.code) ? answer.code : 'unavailable'
    throw new RecollectError(code, answer.detail ?? `the gateway answered ${response.status}`, answer.nextStep ?? 'Check --url.', {
      ...(typeof answer.limit === 'number' ? { limit: answer.limit, given: answer.given } : {}),
      ...(typeof answer.requestId === 'string' ? { details: { requestId: answer.requestId } } : {}),
    })
  }
  const at = (id: string) => `/sessions/${encodeURIComponent(id)}`
  // A key that acts for owners needs to be told for whom; what belongs to the tenant is nobody's.
  const owned = (method: string, path: string, body?: unknown) => call(method, path, body, owner === undefined ? {} : { 'recollect-owner': owner })
  const listOf = (ask: typeof owned, most: number, path: string) =>
    firstOf<Json>(most, async ({ limit, cursor }) => {
      const { items, nextCursor } = await ask(
        'GET',
        `${path}?${new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) })}`,
      )
      return { items, ...(nextCursor === undefined ? {} : { cursor: nextCursor }) }
    })
  return {
    owner: async () => owner ?? (await call('GET', '/whoami')).owner,
    context: (session, options) => owned('POST', `${at(session)}/context`, { ...options, preview: true }),
    search: (query, options) => owned('POST', '/memories/search', { query, ...options }),
    remember: (text, options) => owned('POST', '/memories', { text, ...options }),
    forget: (id, sources) => owned('DELETE', `/memories/${encodeURIComponent(id)}${sources ? '?sources=true' : ''}`),
    memories: (limit) => listOf(owned, limit, '/memories'),
    sessions: (limit) => listOf(owned, limit, '/sessions'),
    session: (id) => owned('GET', at(id)),
    deleteSession: (id) => owned('DELETE', at(id)),
    receipts: (session, limit) => listOf(owned, limit, `${at(session)}/receipts`),
    receipt: (session, id) => owned('GET', `${at(session)}/receipts/${encodeURIComponent(id)}`),
    diff: (session, a, b) => owned('GET', `${at(session)}/receipts/${encodeURIComponent(a)}/diff/${encodeURIComponent(b)}`),
    erase: (owner, dryRun) => owned('POST', '/erase', { confirm: owner, dryRun }),
    usage: (session, since) =>
      owned(
        'GET',
        `/usage?${new URLSearchParams({ ...(session === undefined ? {} : { session }), ...(since === undefined ? {} : { since: String(since) }) })}`,
      ),
    sweep: (options) => call('POST', '/sweep', options),
    keys: () => listOf(call, Infinity, '/keys'),
    createKey: ({ ownerId, ...request }) => call('POST', '/keys', { ...request, ...(ownerId === undefined ? {} : { owner: ownerId }) }),
    rotateKey: (id) => call('POST', `/keys/${encodeURIComponent(id)}/rotate`),
    revokeKey: (id) => call('DELETE', `/keys/${encodeURIComponent(id)}`),
  }
}

/** OpenSSL's words for a chain that does not verify, and Node's for a name or a date that does not fit. */
const isCertificateRefused = (error: unknown): boolean =>
  error instanceof Error && /CERT|LEAF_SIGNATURE/.test(String((error.cause as { code?: unknown } | undefined)?.code))
