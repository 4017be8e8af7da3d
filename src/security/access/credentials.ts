// API keys: issued once, kept as keyed hashes, checked at the door (ACC-3, ACC-4, ACC-7). They lie in the key store, sealed.
import { timingSafeEqual } from 'node:crypto'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { hourMs, limits } from '../../core/limits.ts'
import type { Mint } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore, PageRequest } from '../../ports/log-store.ts'
import type { Actor } from '../../ports/policy.ts'
import { actorOf, auditActor } from '../audit/actor.ts'
import { newApiKey, parseApiKey } from './api-key.ts'
import type { AuditTrail } from '../audit/audit-log.ts'
import {
  absentKey,
  credentialRecords,
  keyOwner,
  macIn,
  storedMac,
  type CredentialRecords,
  type FoundKey,
  type KeyRecord,
} from './credential-records.ts'
import { checkRequest, type CredentialInfo, type CredentialRequest } from './credential-request.ts'
import { macOf } from '../keys/derive.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'

export type { CredentialInfo, CredentialRequest } from './credential-request.ts'

export interface Credentials {
  /** The actor behind a secret, or undefined: missing, malformed, unknown, expired and revoked are one answer (ACC-7). */
  authenticate(secret: string): Promise<{ actor: Actor; credential: CredentialInfo } | undefined>
  /** The secret is shown once. @throws `invalid_input` · `content_refused` if it asks for more than `issuer` has (ACC-3) · `limit_exceeded` with two live keys of the name */
  create(tenantId: string, request: CredentialRequest, issuer?: Actor): Promise<{ credential: CredentialInfo; secret: string }>
  /** Without secrets, expired and revoked ones too. A page may be short: only a missing cursor is the end. */
  list(tenantId: string, page?: PageRequest): Promise<{ items: readonly CredentialInfo[]; cursor?: string }>
  /** A second key beside the first, of the same name and rights, for 90 days; the first goes on until it is revoked or ends. @throws `not_found` for one that has ended · else as `create` */
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
interface Desk extends CredentialsParts {
  readonly records: CredentialRecords
}

const noMac = new Uint8Array(32)
const nobody = 'a'.repeat(16) // looked up for what does not parse, so that it costs the same

const shown = ({ mac: _, ...info }: KeyRecord): CredentialInfo => info
const isLive = (key: CredentialInfo, now: number) => key.revokedAt === undefined && now < key.expiresAt

export function createCredentials(parts: CredentialsParts): Credentials {
  const desk: Desk = { ...parts, records: credentialRecords(parts.store, parts.mint) }
  const { records, clock } = desk
  return {
    authenticate: (secret) => authenticate(desk, secret),
    create: (tenantId, request, issuer) => issue(desk, tenantId, request, issuer),

    async list(tenantId, page) {
      const { items, ...rest } = await records.page(page)
      return { items: items.filter((key) => key.tenantId === tenantId).map(shown), ...rest }
    },

    async rotate(tenantId, id, issuer) {
      const { record } = await records.mustFind(tenantId, id)
      if (!isLive(record, clock.now())) throw absentKey()
      const { name, ownerId, roles, grants, userText } = record
      return issue(desk, tenantId, { name, ...(ownerId === undefined ? {} : { ownerId }), roles, grants, userText }, issuer)
    },

    revoke: (tenantId, id, issuer) => revoke(desk, tenantId, id, issuer),
  }
}

async function authenticate(desk: Desk, secret: string): Promise<{ actor: Actor; credential: CredentialInfo } | undefined> {
  // One way for all: what does not parse is looked up and compared like the rest, and never matches.
  const parsed = parseApiKey(secret)
  const key = await desk.ring.subjectKey(keyOwner, 'api-key')
  const found = await desk.records.find(parsed?.id ?? nobody)
  const same = timingSafeEqual(macOf(key, [parsed?.secret ?? '']), found === undefined ? noMac : macIn(found.record))
  const now = desk.clock.now()
  if (!same || parsed === undefined || found === undefined || !isLive(found.record, now)) return undefined
  const used = await markUsed(desk.records, found, now)
  const credential = shown(used)
  const actor = actorOf({ ...credential, credentialId: credential.id })
  // Told once an hour as it is marked: an event a request would double the writes (AUD-5).
  if (used !== found.record)
    desk.audit.note({ tenantId: actor.tenantId, ...auditActor(actor.tenantId, actor), action: 'authenticate', decision: 'allow' })
  return { actor, credential }
}

/** To the hour, so that a busy key costs one write an hour. Another node's write is as good as ours, and a store that is full lets the key in. */
async function markUsed(records: CredentialRecords, found: FoundKey, now: number): Promise<KeyRecord> {
  const lastUsedAt = now - (now % hourMs)
  if (found.record.lastUsedAt === lastUsedAt) return found.record
  const used = { ...found.record, lastUsedAt }
  try {
    await records.swap(found, used)
  } catch (error) {
    if (!isRecollectError(error) || !error.retryable) throw error
  }
  return used
}

const record = ({ audit }: Desk, action: string, tenantId: string, id: string, issuer: Actor | undefined) =>
  audit.record({ tenantId, ...auditActor(tenantId, issuer), action, target: { kind: 'credential', pseudonym: id }, decision: 'allow' })

async function issue(desk: Desk, tenantId: string, request: CredentialRequest, issuer: Actor | undefined) {
  const { ring, clock, random, mode, records } = desk
  const now = clock.now()
  const { expiresAt, grants } = checkRequest(tenantId, request, now, issuer)
  return records.alone(async () => {
    await checkRoom(records, tenantId, request.name, now)
    const { id, secret, text } = newApiKey(random, mode)
    const { name, ownerId, roles, userText } = request
    const mac = storedMac(macOf(await ring.subjectKey(keyOwner, 'api-key'), [secret]))
    const whose = ownerId === undefined ? {} : { ownerId }
    const rights = { roles: [...roles], grants: [...grants], userText, person: false }
    const key: KeyRecord = { id, name, tenantId, ...whose, ...rights, createdAt: now, expiresAt, mac }
    await record(desk, 'credential.issue', tenantId, id, issuer)
    await records.add(key)
    return { credential: shown(key), secret: text }
  })
}

async function checkRoom(records: CredentialRecords, tenantId: string, name: string, now: number): Promise<void> {
  let live = 0
  for await (const key of records.all()) if (key.tenantId === tenantId && key.name === name && isLive(key, now)) live++
  if (live < limits.keysPerName) return
  const numbers = { limit: limits.keysPerName, given: live + 1 }
  throw new RecollectError('limit_exceeded', `a name has at most ${limits.keysPerName} live keys; it has ${live}`, 'Revoke one first.', numbers)
}

async function revoke(desk: Desk, tenantId: string, id: string, issuer: Actor | undefined): Promise<void> {
  for (let attempt = 0; attempt < limits.closeAttempts; attempt++) {
    const found = await desk.records.mustFind(tenantId, id)
    if (found.record.revokedAt !== undefined) return
    if (attempt === 0) await record(desk, 'credential.revoke', tenantId, id, issuer)
    if (await desk.records.swap(found, { ...found.record, revokedAt: desk.clock.now() })) return
    // A mark of use came between: look again.
  }
  throw new RecollectError('conflict', `the key kept changing over ${limits.closeAttempts} attempts`, 'Try again.')
}
