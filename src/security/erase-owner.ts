// Erases one owner from every store, destroys the keys, and looks for what is left (ERA-5 to ERA-8). Each step may be the last before a crash: the same call goes on.
import type { ErasureReceipt, Removed } from '../core/deletion.ts'
import { madeId, type Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { ErasureCount, LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { AuditInput, AuditLog } from './audit-log.ts'
import type { OwnerKeyRing } from './key-ring.ts'
import type { ClosingMark } from './key-log.ts'
import { foundInFiles, needles, type Needles, type ResidueFile } from './needles.ts'
import type { Owner } from './owner-keys.ts'
import { ownerPseudonym } from './pseudonyms.ts'
import { createReceipts } from './receipts.ts'
import { collectResidue, probeStore, type Probe, type Residue } from './residue.ts'

export interface ErasedStore {
  /** As receipts call it: `sessions`, `memories`. */
  readonly name: string
  /** As the engine sees it: sealed. */
  readonly store: LogStore
  /** The same store without the wrapper: for collecting what is sealed, and for probing. */
  readonly raw: LogStore
  /** Every file of the store: database, WAL, journal, temporary ones. */
  readonly files?: () => Promise<readonly ResidueFile[]>
}
/** What holds an owner's data in memory. */
export interface ErasedCache {
  readonly place: string
  drop(owner: Owner): void | Promise<void>
  /** How many things of the owner it holds now. */
  holds(owner: Owner): number
}
export interface ErasureParts {
  readonly stores: readonly ErasedStore[]
  /** Files of the key store, if it has any. */
  readonly keyFiles?: () => Promise<readonly ResidueFile[]>
  readonly ring: OwnerKeyRing
  readonly audit: AuditLog
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly caches: readonly ErasedCache[]
  /** Names under which snapshots are saved: the port does not list them. */
  readonly snapshotNames: readonly string[]
  /** Resolves once no request of the owner is in flight, at the latest when the longest allowed one would have ended (ERA-5). */
  readonly quiet: (owner: Owner) => Promise<void>
}
export interface EraseOptions {
  /** Only counts: writes nothing. */
  readonly dryRun?: boolean
  readonly actor?: string // for the audit trail; `in-process` if left out
  readonly role?: string
  /** Memory records of the owner, which only the caller can count. */
  readonly records?: number
}

const dayMs = 86_400_000
const nobody = 'own-none' // an owner that never had keys
const noCount: ErasureCount = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }

const sumOf = (name: string, counts: readonly ErasureCount[]): Removed =>
  counts.reduce<Removed>(
    (sum, { logs, entries, snapshots, bytes }) => ({
      store: name,
      logs: sum.logs + logs,
      entries: sum.entries + entries,
      snapshots: sum.snapshots + snapshots,
      bytes: sum.bytes + bytes,
    }),
    { store: name, ...noCount },
  )

export interface Erasure {
  /**
   * Everything of the owner, with a receipt. While it runs the owner's key checks give `not_found`; when it has returned, the name may
   * start anew. Safe to call again after a crash: it goes on, and counts what was still there.
   *
   * @throws `unavailable` if the audit log or a store cannot be written
   */
  eraseOwner(scope: Scope, options?: EraseOptions): Promise<ErasureReceipt>
}

export function createErasure(parts: ErasureParts): Erasure {
  const { ring, audit, clock, random, telemetry, caches, snapshotNames } = parts
  const receipts = createReceipts(ring)
  const stores = parts.stores.filter(({ raw }, i) => parts.stores.findIndex((other) => other.raw === raw) === i) // two roles may share one store

  async function targetOf(owner: Owner): Promise<string> {
    return (await ring.sealKeys(owner, 'read')) === undefined ? nobody : ownerPseudonym(await ring.ownerKeys(owner), owner.ownerId)
  }

  const tell = (
    owner: Owner,
    options: EraseOptions,
    target: string,
    action: string,
    decision: AuditInput['decision'],
    counts?: Record<string, number>,
  ) =>
    audit.record({
      tenantId: owner.tenantId,
      actor: options.actor ?? 'in-process',
      ...(options.role === undefined ? {} : { role: options.role }),
      action,
      target: { kind: 'owner', pseudonym: target },
      decision,
      ...(counts === undefined ? {} : { counts }),
    })

  /** Steps 1 and 2: what the owner is called is fixed while there are keys, and from then on nobody gets keys. */
  async function begin(owner: Owner, options: EraseOptions): Promise<ClosingMark> {
    const begun = (await ring.look(owner))?.closed
    if (begun !== undefined) return begun
    const target = await targetOf(owner)
    await tell(owner, options, target, 'erase.begun', 'allow')
    const [id, requestedAt] = [madeId('era', random), clock.now()]
    return ring.close(owner, (_, dataKeys) => ({ id, requestedAt, target, dataKeys }))
  }

  /** Step 3: everything out of every store and cache. */
  async function pass(scope: Scope): Promise<readonly ErasureCount[]> {
    const counts: ErasureCount[] = []
    for (const { store } of stores) counts.push(await store.erase(scope))
    for (const cache of caches) await cache.drop(scope)
    return counts
  }

  /** The wraps' own bytes, to be looked for in the key store's files. */
  async function wrapsOf(owner: Owner): Promise<Needles> {
    const wanted = needles(limits.residueBytes)
    for (const { bytes } of (await ring.look(owner))?.wraps ?? []) wanted.add(Buffer.from(Buffer.from(bytes).toString('base64url')))
    return wanted
  }

  /** A store may need a moment until bytes are out of its WAL (SQL-10): files are read again before a find is reported. */
  async function probeFiles(place: string, files: (() => Promise<readonly ResidueFile[]>) | undefined, wanted: Needles): Promise<readonly Probe[]> {
    if (files === undefined) return []
    let found = 0
    for (let look = 0; look < limits.residueLooks; look++) {
      if (look > 0) await clock.sleep(limits.residueWaitMs)
      found = await foundInFiles(await files(), wanted.list())
      if (found === 0) break
    }
    return [{ place: `${place}: files`, lookedFor: wanted.kept, found }]
  }

  async function probeAll(owner: Owner, residues: readonly Residue[], wraps: Needles): Promise<readonly Probe[]> {
    const probes: Probe[] = []
    for (const [i, { name, raw, files }] of stores.entries()) {
      probes.push(...(await probeStore(name, raw, owner, residues[i]!, snapshotNames)), ...(await probeFiles(name, files, residues[i]!.needles)))
    }
    for (const cache of caches) probes.push({ place: cache.place, lookedFor: 1, found: cache.holds(owner) })
    probes.push({ place: 'keys: wraps', lookedFor: wraps.kept, found: (await ring.look(owner))?.wraps.length ?? 0 })
    probes.push(...(await probeFiles('keys', parts.keyFiles, wraps)))
    return probes
  }

  function notProbed(now: number, residues: readonly Residue[]): ErasureReceipt['notProbed'] {
    const sampled = residues.some((residue) => residue.needles.given > residue.needles.kept || residue.refs.length < residue.logs)
    return [
      {
        place: 'backups',
        why: 'copies made by backup tools lie outside; they cannot be read once no copy of the keys is left',
        goneBy: now + limits.keyBackupDays * dayMs,
      },
      { place: 'models', why: 'text that was sent to a model lies with its provider' },
      ...(sampled ? [{ place: 'the rest of a sample', why: `more than ${limits.residueBytes} bytes to look for` }] : []),
    ]
  }

  async function dryRun(owner: Owner, options: EraseOptions): Promise<ErasureReceipt> {
    const now = clock.now()
    const log = await ring.look(owner)
    const removed: Removed[] = []
    for (const { name, raw } of stores) removed.push(sumOf(name, [await collectResidue(raw, owner, snapshotNames, false)]))
    const base = {
      id: madeId('era', random),
      verb: 'erase' as const,
      target: log?.closed?.target ?? (await targetOf(owner)),
      requestedAt: now,
      completedAt: now,
    }
    const none = { rederived: 0, keptWhy: [], probes: [], notProbed: [], clean: false, dryRun: true }
    return receipts.sign<ErasureReceipt>(owner.tenantId, {
      ...base,
      removed,
      records: options.records ?? 0,
      dataKeys: log?.data.length ?? 0,
      ...none,
    })
  }

  return {
    async eraseOwner(scope, options = {}) {
      const owner = requireScope(scope)
      if (options.dryRun === true) return dryRun(owner, options)
      const mark = await begin(owner, options)
      const residues: Residue[] = []
      for (const { raw } of stores) residues.push(await collectResidue(raw, owner, snapshotNames, true))
      const wraps = await wrapsOf(owner)
      const first = await pass(scope)
      await ring.destroy(owner)
      await parts.quiet(owner)
      const second = await pass(scope) // what slipped in between is under a dead key
      const probes = await probeAll(owner, residues, wraps)
      const found = probes.reduce((sum, probe) => sum + probe.found, 0)
      const removed = stores.map(({ name }, i) => sumOf(name, [first[i]!, second[i]!]))
      const counts = { logs: 0, entries: 0, found }
      for (const one of removed) ((counts.logs += one.logs), (counts.entries += one.entries))
      if (found > 0) {
        telemetry.count('recollect_erase_residue_total', found)
        await tell(owner, options, mark.target, 'erase.residue', 'failed', { found })
      }
      await tell(owner, options, mark.target, 'erase.done', 'done', counts)
      const completedAt = clock.now()
      const auditHead = await audit.head(owner.tenantId)
      const receipt = await receipts.sign<ErasureReceipt>(owner.tenantId, {
        ...{ id: mark.id, verb: 'erase', target: mark.target, requestedAt: mark.requestedAt, completedAt },
        ...{ removed, records: options.records ?? 0, rederived: 0, keptWhy: [], dataKeys: mark.dataKeys },
        ...{ probes, notProbed: notProbed(completedAt, residues), clean: found === 0, dryRun: false },
        ...(auditHead === undefined ? {} : { auditHead }),
      })
      await ring.remove(owner)
      return receipt
    },
  }
}
