// The seal of a deletion receipt: an HMAC under the tenant's audit owner, so that it can be checked later (ERA-6).
import { timingSafeEqual } from 'node:crypto'
import { base64url, fromBase64url } from '../../core/bytes.ts'
import type { DeletionReceipt } from '../../core/deletion.ts'
import { macOf } from '../keys/derive.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'
import { reserved } from '../reserved.ts'

export interface Receipts {
  /** The receipt with its `mac`. */
  sign<R extends DeletionReceipt>(tenantId: string, receipt: Omit<R, 'mac'>): Promise<R>
  /** True if every field is as it was signed for this tenant. */
  check(tenantId: string, receipt: DeletionReceipt): Promise<boolean>
}

/** Keys in order at every depth, so that a receipt that went through another program spells the same. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, field]) => field !== undefined)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, field]) => [name, sorted(field)]),
        )
      : value

export function createReceipts(ring: OwnerKeyRing): Receipts {
  async function mac(tenantId: string, receipt: object): Promise<Uint8Array> {
    const { mac: _, ...fields } = receipt as { mac?: string }
    const key = await ring.subjectKey({ tenantId, ownerId: reserved.audit }, 'receipt')
    return macOf(key, [tenantId, JSON.stringify(sorted(fields))])
  }
  return {
    sign: async <R extends DeletionReceipt>(tenantId: string, receipt: Omit<R, 'mac'>) =>
      ({ ...receipt, mac: base64url(await mac(tenantId, receipt)) }) as unknown as R,
    async check(tenantId, receipt) {
      const given = fromBase64url(receipt.mac)
      const right = await mac(tenantId, receipt)
      return given.length === right.length && timingSafeEqual(given, right)
    },
  }
}
