// Erases one owner from every store, destroys the keys, and looks for what is left (ERA-5 to ERA-8). Each step may be the last before a crash:
// the same call goes on.
import type { ErasureReceipt, Removed } from '../core/deletion.ts'
import { madeId } from '../core/ids.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import type { ErasureCount } from '../ports/log-store.ts'
import type { AuditInput } from './audit-log.ts'
import type { ErasureParts } from './erasure-parts.ts'
import { collectBefore, notProbed, probeAll, type Before } from './erasure-probes.ts'
import type { ClosingMark } from './key-log.ts'
import { ownerPseudonym } from './pseudonyms.ts'
import { createReceipts, type Receipts } from './receipts.ts'
import { collectResidue, type Probe } from './residue.ts'

export type { ErasureParts } from './erasure-parts.ts'

export interface EraseOptions {
  /** Only counts: removes nothing. */
  readonly dryRun?: boolean
  readonly actor?: string // for the audit trail; `in-process` if left out
  readonly role?: string
  /** Memory records of the owner, which only the caller can count. */
  readonly records?: number
}

export interface Erasure {
  /**
   * Everything of the owner, with a receipt. While it runs the owner's key checks give `not_found`; when it has returned, the name may
   * start anew. Safe to call again after a crash: it goes on, and its receipt says `resumed`: it counts what was still there.
   *
   * @throws `conflict` if the owner's background work does not end within 10 s · `unavailable` if the audit log or a store cannot be written
   */
  eraseOwner(scope: Scope, options?: EraseOptions): Promise<ErasureReceipt>
}

/** One erasure on its way. */
interface Job extends ErasureParts {
  readonly receipts: Receipts
  readonly owner: Scope
  readonly options: EraseOptions
}

const nobody = 'own-none' // an owner that never had keys
const zero = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }

const plus = (a: ErasureCount, b: ErasureCount): ErasureCount => ({
  logs: a.logs + b.logs,
  entries: a.entries + b.entries,
  snapshots: a.snapshots + b.snapshots,
  bytes: a.bytes + b.bytes,
})

export function createErasure(parts: ErasureParts): Erasure {
  const receipts = createReceipts(parts.ring)
  const stores = parts.stores.filter(({ raw }, i) => parts.stores.findIndex((other) => other.raw === raw) === i) // two roles may share one store
  return {
    async eraseOwner(scope, options = {}) {
      const job: Job = { ...parts, stores, receipts, owner: requireScope(scope), options }
      return options.dryRun === true ? countOnly(job) : parts.exclusively(job.owner, () => erase(job))
    },
  }
}

/** The six steps of ERA-5, in their order. */
async function erase(job: Job): Promise<ErasureReceipt> {
  const { ring, owner, stores } = job
  const { mark, resumed } = await begin(job) // 1, 2
  const before = await collectBefore(job, stores, owner)
  const first = await removeAll(job) // 3
  await ring.destroy(owner) // 4
  await job.quiet(owner) // 5
  const second = await removeAll(job) // what slipped in between is under a dead key
  const probes = await probeAll(job, stores, owner, before)
  const removed = stores.map(({ name }, i): Removed => ({ store: name, ...plus(first[i] ?? zero, second[i] ?? zero) }))
  await tellEnd(job, mark.target, removed, probes) // 6
  const receipt = await receiptOf(job, mark, resumed, removed, probes, before)
  await ring.remove(owner)
  return receipt
}

/** What the owner is called is fixed while there are keys, and from then on nobody gets keys. */
async function begin(job: Job): Promise<{ readonly mark: ClosingMark; readonly resumed: boolean }> {
  const { ring, owner, random, clock } = job
  const begun = (await ring.look(owner))?.closed
  if (begun !== undefined) return { mark: begun, resumed: true }
  const target = await targetOf(job)
  await tell(job, target, 'erase.begun', 'allow')
  const [id, requestedAt] = [madeId('era', random), clock.now()]
  const mark = await ring.close(owner, (_, dataKeys) => ({ id, requestedAt, target, dataKeys }))
  return { mark, resumed: mark.id !== id }
}

async function targetOf({ ring, owner }: Job): Promise<string> {
  return (await ring.sealKeys(owner, 'read')) === undefined ? nobody : ownerPseudonym(await ring.ownerKeys(owner), owner.ownerId)
}

/** Everything out of every store and cache. */
async function removeAll({ stores, caches, owner }: Job): Promise<readonly ErasureCount[]> {
  const counts: ErasureCount[] = []
  for (const { store } of stores) counts.push(await store.erase(owner))
  for (const cache of caches) await cache.drop(owner)
  return counts
}

function tell(job: Job, target: string, action: string, decision: AuditInput['decision'], counts?: AuditInput['counts']): Promise<void> {
  const { actor = 'in-process', role } = job.options
  return job.audit.record({
    tenantId: job.owner.tenantId,
    actor,
    ...(role === undefined ? {} : { role }),
    action,
    target: { kind: 'owner', pseudonym: target },
    decision,
    ...(counts === undefined ? {} : { counts }),
  })
}

const foundBy = (probes: readonly Probe[]) => probes.reduce((sum, probe) => sum + probe.found, 0)

/** Residue is loud: a count, and an event of its own (ERA-8). */
async function tellEnd(job: Job, target: string, removed: readonly Removed[], probes: readonly Probe[]): Promise<void> {
  const found = foundBy(probes)
  if (found > 0) {
    job.telemetry.count('recollect_erase_residue_total', found)
    await tell(job, target, 'erase.residue', 'failed', { found })
  }
  const { logs, entries } = removed.reduce<ErasureCount>(plus, zero)
  await tell(job, target, 'erase.done', 'done', { logs, entries, found })
}

async function receiptOf(
  job: Job,
  mark: ClosingMark,
  resumed: boolean,
  removed: readonly Removed[],
  probes: readonly Probe[],
  before: Before,
): Promise<ErasureReceipt> {
  const { clock, audit, receipts, owner, options } = job
  const { id, target, requestedAt, dataKeys } = mark
  const completedAt = clock.now()
  const auditHead = await audit.head(owner.tenantId)
  return receipts.sign<ErasureReceipt>(owner.tenantId, {
    id,
    verb: 'erase',
    target,
    requestedAt,
    completedAt,
    removed,
    records: options.records ?? 0,
    rederived: 0,
    keptWhy: [],
    dataKeys,
    probes,
    notProbed: notProbed(completedAt, before),
    clean: foundBy(probes) === 0,
    dryRun: false,
    ...(resumed ? { resumed: true as const } : {}),
    ...(auditHead === undefined ? {} : { auditHead }),
  })
}

async function countOnly(job: Job): Promise<ErasureReceipt> {
  const { ring, owner, stores, snapshotNames, random, clock, receipts, options } = job
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
    records: options.records ?? 0,
    rederived: 0,
    keptWhy: [],
    dataKeys: log?.data.length ?? 0,
    probes: [],
    notProbed: [],
    clean: false,
    dryRun: true,
  })
}
