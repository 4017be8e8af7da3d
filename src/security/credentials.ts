// API keys: issued once, kept as keyed hashes, checked at the door (ACC-3, ACC-4, ACC-7). They lie in the key store, sealed.
import { timingSafeEqual, type KeyObject } from 'node:crypto'
import { base64url, fromBase64url } from '../core/bytes.ts'
import { RecollectError, isRecollectError } from '../core/errors.ts'
import { checkId, type Random } from '../core/ids.ts'
import { fromUtf8, toUtf8 } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { refOf, type LogRef } from '../core/log-ref.ts'
import type { Mint } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Head, LogStore, PageRequest } from '../ports/log-store.ts'
import { grants as allGrants, roles as allRoles, type Actor, type Grant, type Role } from '../ports/policy.ts'
import { actorOf } from './actor.ts'
import { newApiKey, parseApiKey } from './api-key.ts'
import type { AuditTrail } from './audit-log.ts'
import { macOf } from './derive.ts'
import type { OwnerKeyRing } from './key-ring.ts'
import { reserved } from './reserved.ts'
import { lonelyRoles, mayIssue } from './role-policy.ts'

/** A credential as it is shown: never its secret. */
export interface CredentialInfo {
  readonly id: string
  readonly name: string
  readonly tenantId: string
  readonly ownerId?: string
  readonly roles: readonly Role[]
  readonly grants: readonly Grant[]
  readonly userText: 'user-typed' | 'paste'
  readonly person: boolean
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastUsedAt?: number // to the hour
  readonly revokedAt?: number
}
export interface CredentialRequest {
  name: string
  ownerId?: string
  roles: readonly Role[]
  grants?: readonly Grant[]
  userText: 'user-typed' | 'paste' // stated at issue, without a default (POI-1)
  expiresAt?: number // ms; default 90 days from now, at most 365
}
export interface Credentials {
  /** The actor behind a secret, or undefined: missing, malformed, unknown, expired and revoked are one answer (ACC-7). */
  authenticate(secret: string): Promise<{ actor: Actor; credential: CredentialInfo } | undefined>
  /** The secret is shown once. @throws `content_refused` if it asks for more than `issuer` has (ACC-3) · `limit_exceeded` with two live keys of the name */
  create(tenantId: string, request: CredentialRequest, issuer?: Actor): Promise<{ credential: CredentialInfo; secret: string }>
  list(tenantId: string, page?: PageRequest): Promise<{ items: readonly CredentialInfo[]; cursor?: string }>
  /** A second key beside the first, of the same name and rights; the first goes on until it is revoked. */
  rotate(tenantId: string, id: string, issuer?: Actor): Promise<{ credential: CredentialInfo; secret: string }>
  /** @throws `not_found`, also for another tenant's */
  revoke(tenantId: string, id: string, issuer?: Actor): Promise<void>
}

export interface CredentialsParts {
  /** The key store as the engine sees it: sealed. */
  readonly store: LogStore
  readonly ring: OwnerKeyRing
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly random: Random
  readonly mint: Mint
  readonly mode: 'live' | 'test'
}

interface Stored extends CredentialInfo {
  readonly mac: string
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const noMac = new Uint8Array(32)
const nobody = 'a'.repeat(16) // looked up for what does not parse, so that it costs the same
const owner = { tenantId: reserved.system, ownerId: reserved.apiKeys }

const shown = ({ mac: _, ...info }: Stored): CredentialInfo => info
const storedIn = (head: Head): Stored => JSON.parse(fromUtf8(head.body)) as Stored
const bodyOf = (stored: Stored): Uint8Array => toUtf8(JSON.stringify(stored))
const isLive = (stored: CredentialInfo, now: number) => stored.revokedAt === undefined && now < stored.expiresAt
const absent = () => new RecollectError('not_found', 'there is no such key', 'List the keys of this tenant.')
const invalid = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)

/** @throws `invalid_input` · `content_refused` (ACC-3) */
export function checkRequest(
  tenantId: string,
  request: CredentialRequest,
  now: number,
  issuer: Actor | undefined,
): { expiresAt: number; grants: readonly Grant[] } {
  checkId(request.name, 'name')
  if (tenantId !== reserved.system) checkId(tenantId, 'tenantId')
  if (request.ownerId !== undefined) checkId(request.ownerId, 'ownerId')
  const { roles, grants = [], userText } = request
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every((role) => allRoles.includes(role)))
    throw invalid('a key needs known roles', `Use of: ${allRoles.join(', ')}.`)
  if (!Array.isArray(grants) || !grants.every((grant) => allGrants.includes(grant)))
    throw invalid('unknown grant', `Use of: ${allGrants.join(', ')}.`)
  if (userText !== 'user-typed' && userText !== 'paste')
    throw invalid('userText has no default', "Say 'user-typed' if people type into this client, else 'paste'.")
  if (new Set(roles).size > 1 && roles.some((role) => lonelyRoles.includes(role)))
    throw new RecollectError('content_refused', `${lonelyRoles.join(' and ')} stand alone in a key`, 'Issue two keys.')
  if (roles.includes('owner') && request.ownerId === undefined && !grants.includes('act-for-owner'))
    throw invalid('the role owner needs an ownerId or the grant act-for-owner', 'Give one of them.')
  const expiresAt = request.expiresAt ?? now + limits.keyDays * dayMs
  const most = now + limits.keyDaysMost * dayMs
  if (!Number.isSafeInteger(expiresAt) || expiresAt <= now || expiresAt > most)
    throw invalid(`a key lives at most ${limits.keyDaysMost} days, and ends in the future`, 'Give expiresAt in ms since 1970.')
  if (issuer !== undefined && !mayIssue(issuer, tenantId, roles, grants))
    throw new RecollectError(
      'content_refused',
      'a key cannot have more than its issuer may give',
      'Ask for fewer roles or grants, or let the operator issue it.',
    )
  return { expiresAt, grants }
}

export function createCredentials(parts: CredentialsParts): Credentials {
  const { store, ring, audit, clock, random, mint, mode } = parts
  const scope = mint(owner.tenantId, owner.ownerId)
  const refFor = (id: string): LogRef => refOf(scope, 'key', id)
  const secretMac = (key: KeyObject, secret: string) => macOf(key, [secret])

  async function* all(): AsyncGenerator<Stored> {
    let cursor: string | undefined
    do {
      const page = await store.list(scope, 'key', { limit: limits.pageItemsMost, ...(cursor === undefined ? {} : { cursor }) })
      for (const head of page.items) yield storedIn(head)
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  const record = (action: string, tenantId: string, id: string, issuer: Actor | undefined) =>
    audit.record({ tenantId, actor: issuer?.credentialId ?? 'in-process', action, target: { kind: 'credential', pseudonym: id }, decision: 'done' })

  /** One issue at a time, so that two cannot both be the second live key of a name. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const lease = await store.lease({ ...owner, purpose: 'credentials' }, limits.keyLeaseMs)
    if (lease === undefined) throw new RecollectError('conflict', 'another key is being issued', 'Try again.')
    try {
      return await work()
    } finally {
      await store.release(lease.fence)
    }
  }

  async function issue(tenantId: string, request: CredentialRequest, issuer: Actor | undefined) {
    const now = clock.now()
    const { expiresAt, grants } = checkRequest(tenantId, request, now, issuer)
    return alone(async () => {
      let live = 0
      for await (const key of all()) if (key.tenantId === tenantId && key.name === request.name && isLive(key, now)) live++
      if (live >= limits.keysPerName)
        throw new RecollectError('limit_exceeded', `a name has at most ${limits.keysPerName} live keys; it has ${live}`, 'Revoke one first.', {
          limit: limits.keysPerName,
          given: live + 1,
        })
      const key = newApiKey(random, mode)
      const { name, ownerId, roles, userText } = request
      const whose = ownerId === undefined ? {} : { ownerId }
      const mac = base64url(secretMac(await ring.subjectKey(owner, 'api-key'), key.secret))
      const stored: Stored = {
        id: key.id,
        name,
        tenantId,
        ...whose,
        roles: [...roles],
        grants: [...grants],
        userText,
        person: false,
        createdAt: now,
        expiresAt,
        mac,
      }
      await record('credential.issue', tenantId, key.id, issuer)
      await store.open(refFor(key.id), { body: bodyOf(stored), expires: { at: expiresAt + limits.keyDays * dayMs } }) // shown as expired for a while
      return { credential: shown(stored), secret: key.text }
    })
  }

  async function mustFind(tenantId: string, id: string): Promise<{ head: Head; stored: Stored }> {
    const head = typeof id === 'string' && /^[a-z2-7]{16}$/.test(id) ? await store.head(refFor(id)) : undefined
    if (head === undefined) throw absent()
    const stored = storedIn(head)
    if (stored.tenantId !== tenantId) throw absent()
    return { head, stored }
  }

  /** To the hour, so that a busy key costs one write an hour; another node's write is as good as ours. */
  async function markUsed(head: Head, stored: Stored, now: number): Promise<Stored> {
    const lastUsedAt = now - (now % hourMs)
    if (stored.lastUsedAt === lastUsedAt) return stored
    const used = { ...stored, lastUsedAt }
    try {
      await store.updateHead(refFor(stored.id), head.revision, { body: bodyOf(used) })
    } catch (error) {
      if (!isRecollectError(error) || error.code === 'integrity_failure' || error.code === 'internal') throw error
    }
    return used
  }

  return {
    async authenticate(secret) {
      // One way for all: what does not parse is looked up and compared like the rest, and never matches.
      const parsed = parseApiKey(secret)
      const key = await ring.subjectKey(owner, 'api-key')
      const head = await store.head(refFor(parsed?.id ?? nobody))
      const stored = head === undefined ? undefined : storedIn(head)
      const same = timingSafeEqual(secretMac(key, parsed?.secret ?? ''), stored === undefined ? noMac : fromBase64url(stored.mac))
      const now = clock.now()
      if (!same || parsed === undefined || head === undefined || stored === undefined || !isLive(stored, now)) return undefined
      const credential = shown(await markUsed(head, stored, now))
      return { actor: actorOf({ ...credential, credentialId: credential.id }), credential }
    },

    create: issue,

    async list(tenantId, page) {
      const { items, cursor } = await store.list(scope, 'key', page)
      const mine = items.map(storedIn).filter((stored) => stored.tenantId === tenantId)
      return { items: mine.map(shown), ...(cursor === undefined ? {} : { cursor }) }
    },

    async rotate(tenantId, id, issuer) {
      const { stored } = await mustFind(tenantId, id)
      if (!isLive(stored, clock.now())) throw absent()
      const { name, ownerId, roles, grants, userText } = stored
      return issue(tenantId, { name, ...(ownerId === undefined ? {} : { ownerId }), roles, grants, userText }, issuer)
    },

    async revoke(tenantId, id, issuer) {
      for (let attempt = 0; attempt < limits.closeAttempts; attempt++) {
        const { head, stored } = await mustFind(tenantId, id)
        if (stored.revokedAt !== undefined) return
        if (attempt === 0) await record('credential.revoke', tenantId, id, issuer)
        try {
          await store.updateHead(refFor(id), head.revision, { body: bodyOf({ ...stored, revokedAt: clock.now() }) })
          return
        } catch (error) {
          if (!isRecollectError(error, 'conflict')) throw error // a mark of use came between: look again
        }
      }
      throw new RecollectError('conflict', `the key kept changing over ${limits.closeAttempts} attempts`, 'Try again.')
    },
  }
}
