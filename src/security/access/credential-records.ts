// Where keys lie: one log each in the key store, sealed, whose head body is the record (ACC-4).
import { base64url, fromBase64url } from '../../core/bytes.ts'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import { dayMs, limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Mint } from '../../core/scope.ts'
import type { Head, LogStore, PageRequest } from '../../ports/log-store.ts'
import type { CredentialInfo } from './credential-request.ts'
import { everyPage } from '../every-page.ts'
import { reserved } from '../reserved.ts'

/** Whose logs they are, and whose subject key hashes the secrets. */
export const keyOwner = { tenantId: reserved.system, ownerId: reserved.apiKeys }

export interface KeyRecord extends CredentialInfo {
  readonly mac: string // of the secret
}
export interface FoundKey {
  readonly head: Head
  readonly record: KeyRecord
}

export interface CredentialRecords {
  find(id: string): Promise<FoundKey | undefined>
  /** @throws `not_found`, also for another tenant's */
  mustFind(tenantId: string, id: string): Promise<FoundKey>
  page(page?: PageRequest): Promise<{ readonly items: readonly KeyRecord[]; readonly cursor?: string }>
  all(): AsyncGenerator<KeyRecord>
  add(record: KeyRecord): Promise<void>
  /** False if somebody else changed the record since it was found. */
  swap(found: FoundKey, record: KeyRecord): Promise<boolean>
  /** One issue at a time, so that two cannot both be the second live key of a name. @throws `conflict` while another runs */
  alone<T>(work: () => Promise<T>): Promise<T>
}

const recordIn = (head: Head): KeyRecord => JSON.parse(fromUtf8(head.body)) as KeyRecord
const bodyOf = (record: KeyRecord): Uint8Array => toUtf8(JSON.stringify(record))

export const absentKey = (): RecollectError => new RecollectError('not_found', 'there is no such key', 'List the keys of this tenant.')
export const storedMac = (mac: Uint8Array): string => base64url(mac)
export const macIn = (record: KeyRecord): Uint8Array => fromBase64url(record.mac)

export function credentialRecords(store: LogStore, mint: Mint): CredentialRecords {
  const scope = mint(keyOwner.tenantId, keyOwner.ownerId)
  const refFor = (id: string) => refOf(scope, 'key', id)

  const records: CredentialRecords = {
    async find(id) {
      const head = await store.head(refFor(id))
      return head && { head, record: recordIn(head) }
    },

    async mustFind(tenantId, id) {
      const found = typeof id === 'string' && /^[a-z2-7]{16}$/.test(id) ? await records.find(id) : undefined
      if (found?.record.tenantId !== tenantId) throw absentKey()
      return found
    },

    async page(page) {
      const { items, ...rest } = await store.list(scope, 'key', page)
      return { items: items.map(recordIn), ...rest }
    },

    all: () => everyPage(records.page),

    async add(record) {
      const at = record.expiresAt + limits.keyDays * dayMs // shown as expired for a while
      await store.open(refFor(record.id), { body: bodyOf(record), expires: { at } })
    },

    async swap({ head }, record) {
      try {
        await store.updateHead(refFor(record.id), head.revision, { body: bodyOf(record) })
        return true
      } catch (error) {
        if (isRecollectError(error, 'conflict')) return false
        throw error
      }
    },

    async alone(work) {
      const lease = await store.lease({ ...keyOwner, purpose: 'credentials' }, limits.keyLeaseMs)
      if (lease === undefined) throw new RecollectError('conflict', 'another key is being issued', 'Try again.')
      try {
        return await work()
      } finally {
        await store.release(lease.fence)
      }
    },
  }
  return records
}
