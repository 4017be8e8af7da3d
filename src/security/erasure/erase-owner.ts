// Erases one owner from every store, destroys the keys, and looks for what is left (ERA-5 to ERA-8). Each step may be the last before a crash:
// the same call goes on.
import type { ErasureReceipt, Removed } from '../../core/deletion.ts'
import { madeId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { requireScope, type Scope } from '../../core/scope.ts'
import { inTime } from '../../ports/clock.ts'
import type { ErasureCount } from '../../ports/log-store.ts'
import type { AuditActor } from '../audit/actor.ts'
import type { ErasureParts } from './erasure-parts.ts'
import { collectBefore, heldWals, notProbed, probeAll, type Before } from './erasure-probes.ts'
import type { ClosingMark } from '../keys/key-log.ts'
import { ownerPseudonym } from '../keys/pseudonyms.ts'
import { createReceipts, type Receipts } from './receipts.ts'
import { tellEnd } from './removal.ts'
import { addCounts, nothingRemoved } from './redact-entries.ts'
import { collectResidue } from './residue.ts'

export type { ErasureParts } from './erasure-parts.ts'

export interface EraseOptions {
  /** Only counts: removes nothing. */
  readonly dryRun?: boolean
}

export interface Erasure {
  /**
   * Everything of the owner, with a receipt. While it runs the owner's key checks give `not_found`; when it has returned, the name may
   * start anew. Safe to call again after a crash: it goes on, and its receipt says `resumed`: it counts what was still there.
   *
   * @throws `conflict` if the owner's background work does not end within 10 s · `unavailable` if the audit log or a store cannot be written
   */
  eraseOwner(scope: Scope, by: AuditActor, options?: EraseOptions): Promise<ErasureReceipt>
}

/** One erasure on its way. */
interface Job extends ErasureParts {
  readonly receipts: Receipts
  readonly owner: Scope
  readonly by: AuditActor
}

const nobody = 'own-none' // an owner that never had keys

export function createErasure(parts: ErasureParts): Erasure {
  const receipts = createReceipts(parts.ring)
  const stores = parts.stores.filter(({ raw }, i) => parts.stores.findIndex((other) => other.raw === raw) === i) // two roles may share one store
  return {
    async eraseOwner(scope, by, options = {}) {
      const job: Job = { ...parts, stores, receipts, owner: requireScope(scope), by }
      return options.dryRun === true ? countOnly(job) : parts.exclusively(job.owner, () => erase(job))
    },
  }
}

/** The six steps of ERA-5, in their order. */
async function erase(job: Job): Promise<ErasureReceipt> {
  const { ring, owner, stores } = job
  const { mark, resumed, records } = await begin(job) // 1, 2
  const before = await collectBefore(job, stores, owner)
  const first = await removeAll(job) // 3
  await ring.destroy(owner) // 4
  await inTime(job.clock, limits.requestMs, job.quiet(owner)) // 5; a store that never answers holds no erasure up for longer
  const second = await removeAll(job) // what slipped in between is under a dead key
  const keptWhy = await heldWals(job, stores)
  const probes = await probeAll(job, stores, owner, before)
  const removed = stores.map(({ name }, i): Removed => ({ store: name, ...addCounts(first[i] ?? nothingRemoved, second[i] ?? nothingRemoved) }))
  const result = { removed, records, probes }
  const { clean } = await tellEnd(job, eventOf(job, mark.target, 'erase.done'), result) // 6
  const receipt = await receiptOf(job, mark, resumed, { ...result, keptWhy, clean }, before)
  await ring.remove(owner)
  await dropCaches(job) // what was asked until now was asked of an owner who was going
  return receipt
}

/** What the owner is called is fixed while there are keys, and from then on nobody gets keys. */
async function begin(job: Job): Promise<{ readonly mark: ClosingMark; readonly resumed: boolean; readonly records: number }> {
  const { ring, owner, random, clock, audit } = job
  const begun = (await ring.look(owner))?.closed
  if (begun !== undefined) return { mark: begun, resumed: true, records: 0 }
  const [target, records] = [await targetOf(job), await job.countRecords(owner)]
  await audit.record({ ...eventOf(job, target, 'erase.begun'), decision: 'allow' })
  const [id, requestedAt] = [madeId('era', random), clock.now()]
  const mark = await ring.close(owner, (_, dataKeys) => ({ id, requestedAt, target, dataKeys }))
  return { mark, resumed: mark.id !== id, records }
}

async function targetOf({ ring, owner }: Job): Promise<string> {
  return (await ring.sealKeys(owner, 'read')) === undefined ? nobody : ownerPseudonym(await ring.ownerKeys(owner), owner.ownerId)
}

/** Everything out of every store and cache. */
async function removeAll(job: Job): Promise<readonly ErasureCount[]> {
  const counts: ErasureCount[] = []
  for (const { store } of job.stores) counts.push(await store.erase(job.owner))
  await dropCaches(job)
  return counts
}

async function dropCaches({ caches, owner }: Job): Promise<void> {
  for (const cache of caches) await cache.drop(owner)
}

const eventOf = ({ owner, by }: Job, target: string, action: string) => ({
  tenantId: owner.tenantId,
  ...by,
  action,
  target: { kind: 'owner', pseudonym: target },
})

async function receiptOf(
  job: Job,
  mark: ClosingMark,
  resumed: boolean,
  result: Pick<ErasureReceipt, 'removed' | 'records' | 'keptWhy' | 'probes' | 'clean'>,
  before: Before,
): Promise<ErasureReceipt> {
  const { clock, audit, receipts, owner } = job
  const { id, target, requestedAt, dataKeys } = mark
  const completedAt = clock.now()
  const auditHead = await audit.head(owner.tenantId)
  return receipts.sign<ErasureReceipt>(owner.tenantId, {
    id,
    verb: 'erase',
    target,
    requestedAt,
    completedAt,
    ...result,
    rederived: 0,
    dataKeys,
    notProbed: notProbed(completedAt, before),
    dryRun: false,
    ...(resumed ? { resumed: true as const } : {}),
    ...(auditHead === undefined ? {} : { auditHead }),
  })
}

async function countOnly(job: Job): Promise<ErasureReceipt> {
  const { ring, owner, stores, snapshotNames, random, clock, receipts } = job
  const now = clock.now()
  const log = await ring.look(owner)
  const target = log?.closed?.target ?? (await targetOf(job))
  const removed: Removed[] = []
  for (const { name, raw } of stores) {
    const { logs, entries, snapshots, bytes } = await collectResidue(raw, owner, snapshotNames, false)
    removed.push({ store: name, logs, entries, snapshots, bytes })
  }
  return receipts.sign<ErasureReceipt>(owner.tenantId, {
    id: madeId('era', random),
    verb: 'erase',
    target,
    requestedAt: now,
    completedAt: now,
    removed,
    records: log?.closed === undefined ? await job.countRecords(owner) : 0,
    rederived: 0,
    keptWhy: [],
    dataKeys: log?.data.length ?? 0,
    probes: [],
    notProbed: [],
    clean: false,
    dryRun: true,
  })
}
