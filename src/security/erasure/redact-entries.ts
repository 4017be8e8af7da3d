// Taking bodies out of a log for good, counted before and looked at after (ERA-3, ERA-6).
import type { DeletionReceipt, Probe, Removed } from '../../core/deletion.ts'
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { ErasureCount, LogStore } from '../../ports/log-store.ts'

/** As receipts call it, the store, and the snapshots that logs of this kind have. */
export interface RedactedStore {
  readonly name: 'sessions' | 'memories'
  readonly store: LogStore
  readonly snapshotNames: readonly string[]
}
export interface Redacted {
  readonly removed: Removed
  readonly probes: readonly Probe[]
}

/** Redacts the seqs, which a tombstone in this log names already (SEAL-12), and with them the log's snapshots. */
export async function redactEntries({ name, store, snapshotNames }: RedactedStore, ref: LogRef, seqs: readonly number[]): Promise<Redacted> {
  const runs = runsOf(seqs)
  const [there, snapshots] = [await bodiesIn(store, ref, runs), await snapshotsOf(store, ref, snapshotNames)]
  for (let at = 0; at < seqs.length; at += limits.appendEntries)
    await store.rewrite(
      ref,
      seqs.slice(at, at + limits.appendEntries).map((seq) => ({ seq })),
    )
  const [left, leftSnapshots] = [await bodiesIn(store, ref, runs), await snapshotsOf(store, ref, snapshotNames)]
  return {
    removed: { store: name, logs: 0, entries: there.entries, snapshots, bytes: there.bytes },
    probes: [
      { place: `${name}: read`, lookedFor: seqs.length, found: left.entries },
      { place: `${name}: snapshots`, lookedFor: snapshotNames.length, found: leftSnapshots },
    ],
  }
}

/** Seqs that follow each other are read at once: [before the first, last]. */
function runsOf(seqs: readonly number[]): readonly { readonly after: number; readonly upTo: number }[] {
  const runs: { after: number; upTo: number }[] = []
  for (const seq of new Set(seqs.toSorted((a, b) => a - b))) {
    const last = runs.at(-1)
    if (last?.upTo === seq - 1) last.upTo = seq
    else runs.push({ after: seq - 1, upTo: seq })
  }
  return runs
}

async function bodiesIn(
  store: LogStore,
  ref: LogRef,
  runs: ReturnType<typeof runsOf>,
): Promise<{ readonly entries: number; readonly bytes: number }> {
  let [entries, bytes] = [0, 0]
  for (const run of runs)
    for (let { after } = run; after < run.upTo;) {
      const page = await store.read(ref, { after, upTo: run.upTo })
      for (const { body } of page) {
        entries += body.length > 0 ? 1 : 0
        bytes += body.length
      }
      after = page.at(-1)?.seq ?? run.upTo
    }
  return { entries, bytes }
}

async function snapshotsOf(store: LogStore, ref: LogRef, names: readonly string[]): Promise<number> {
  let found = 0
  for (const name of names) if ((await store.loadSnapshot(ref, name)) !== undefined) found++
  return found
}

/** Several redactions as one: sums by store and by place. */
export function together(all: readonly Redacted[]): Pick<DeletionReceipt, 'removed' | 'probes'> {
  const removed = new Map<string, Removed>()
  const probes = new Map<string, Probe>()
  for (const one of all) {
    const { store } = one.removed
    removed.set(store, { store, ...addCounts(removed.get(store) ?? nothingRemoved, one.removed) })
    for (const probe of one.probes) {
      const before = probes.get(probe.place) ?? { lookedFor: 0, found: 0 }
      probes.set(probe.place, { place: probe.place, lookedFor: before.lookedFor + probe.lookedFor, found: before.found + probe.found })
    }
  }
  return { removed: [...removed.values()], probes: [...probes.values()] }
}

export const nothingRemoved: ErasureCount = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }
export const addCounts = (a: ErasureCount, b: ErasureCount): ErasureCount => ({
  logs: a.logs + b.logs,
  entries: a.entries + b.entries,
  snapshots: a.snapshots + b.snapshots,
  bytes: a.bytes + b.bytes,
})
