// Looks everywhere for what an erasure should have removed, and says where it did not look (ERA-7).
import type { ErasureReceipt, Probe } from '../../core/deletion.ts'
import { dayMs, limits } from '../../core/limits.ts'
import type { Owner } from '../../core/scope.ts'
import type { ErasedStore, ErasureParts } from './erasure-parts.ts'
import { foundInFiles, needles, type Needles } from './needles.ts'
import { collectResidue, probeStore, type Residue } from './residue.ts'

/** What there was of an owner: one residue a store, in their order, and the bytes of the wrapped keys. */
export interface Before {
  readonly residues: readonly Residue[]
  readonly wraps: Needles
}

/** Collected before anything goes; held in memory only. */
export async function collectBefore(parts: ErasureParts, stores: readonly ErasedStore[], owner: Owner): Promise<Before> {
  const residues: Residue[] = []
  for (const { raw } of stores) residues.push(await collectResidue(raw, owner, parts.snapshotNames, true))
  const wraps = needles(limits.residueBytes)
  // As they stand in the key log: base64url text.
  for (const { bytes } of (await parts.ring.look(owner))?.wraps ?? []) wraps.add(Buffer.from(Buffer.from(bytes).toString('base64url')))
  return { residues, wraps }
}

/** A store may need a moment until bytes are out of its WAL (SQL-10): files are read again before a find is reported. */
async function probeFiles({ clock }: ErasureParts, place: string, files: ErasedStore['files'], wanted: Needles): Promise<readonly Probe[]> {
  if (files === undefined) return []
  let found = 0
  for (let look = 0; look < limits.residueLooks; look++) {
    if (look > 0) await clock.sleep(limits.residueWaitMs)
    found = await foundInFiles(await files(), wanted.list())
    if (found === 0) break
  }
  return [{ place: `${place}: files`, lookedFor: wanted.kept, found }]
}

export async function probeAll(parts: ErasureParts, stores: readonly ErasedStore[], owner: Owner, before: Before): Promise<readonly Probe[]> {
  const { residues, wraps } = before
  const probes: Probe[] = []
  for (const [i, { name, raw, files }] of stores.entries()) {
    const residue = residues[i] as Residue
    probes.push(...(await probeStore(name, raw, owner, residue, parts.snapshotNames)))
    probes.push(...(await probeFiles(parts, name, files, residue.needles)))
  }
  for (const cache of parts.caches) {
    await cache.drop(owner) // a request that came meanwhile may have left what it asked
    probes.push({ place: cache.place, lookedFor: 1, found: cache.holds(owner) })
  }
  probes.push({ place: 'keys: wraps', lookedFor: wraps.kept, found: (await parts.ring.look(owner))?.wraps.length ?? 0 })
  probes.push(...(await probeFiles(parts, 'keys', parts.keyDisk?.files, wraps)))
  return probes
}

/** The write-ahead logs that a reader holds: what was erased stays in them until it ends (SQL-10). */
export async function heldWals({ keyDisk }: ErasureParts, stores: readonly ErasedStore[]): Promise<ErasureReceipt['keptWhy']> {
  const held: { what: string; why: string }[] = []
  for (const { name, emptyWal } of [...stores, { name: 'keys', ...keyDisk }]) {
    const wal = await emptyWal?.()
    if (wal === undefined || wal.empty) continue
    const who = wal.openIn.length === 0 ? 'a reader' : `the reader in process ${wal.openIn.join(' or ')}`
    held.push({ what: `${name}: write-ahead log`, why: `${who} has it open; it is emptied once that ends` })
  }
  return held
}

export function notProbed(now: number, { residues }: Before): ErasureReceipt['notProbed'] {
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
