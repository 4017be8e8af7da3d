// What an owner has in a store before it is erased, and whether any of it can still be found after (ERA-7).
import type { Probe } from '../../core/deletion.ts'
import { isRecollectError } from '../../core/errors.ts'
import { toUtf8 } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { logKinds, type LogRef } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { everyPage } from '../every-page.ts'
import { needles, type Needles } from './needles.ts'
import { looksSealed, sealHeaderBytes, sealOverheadBytes } from '../sealing/seal.ts'

export interface Residue {
  readonly refs: readonly LogRef[]
  readonly logs: number
  readonly entries: number
  readonly snapshots: number
  readonly bytes: number
  readonly needles: Needles
}

const ivAt = 16
const refBytes = 400 // of one ref that is kept
const mostRefs = Math.floor(limits.residueBytes / 4 / refBytes)
// Ids that we made name one thing; a name that a caller gave may be somebody else's too, and is probed by calls only.
const madeId = /^[a-z]+[_-][\w-]{22,}$/

/** Every log of the owner in an unwrapped store: counts, addresses, and what to look for. Reads, and changes nothing. `keep`: also what to look for. */
export async function collectResidue(raw: LogStore, owner: Owner, snapshotNames: readonly string[], keep: boolean): Promise<Residue> {
  const wanted = needles(limits.residueBytes)
  const refs: LogRef[] = []
  const sum = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }
  const addBody = (body: Uint8Array) => {
    if (body.length >= sealOverheadBytes && looksSealed(body)) wanted.add(body.subarray(ivAt, sealHeaderBytes))
  }
  const addId = (id: string) => {
    if (madeId.test(id)) wanted.add(toUtf8(id))
  }
  for (const kind of logKinds) {
    for await (const head of headsOf(raw, owner, kind)) {
      const ref: LogRef = { tenantId: owner.tenantId, ownerId: owner.ownerId, kind, logId: head.logId }
      sum.logs++
      sum.entries += head.entries
      sum.bytes += head.bytes
      if (refs.length < mostRefs) refs.push(ref)
      addId(head.logId)
      addBody(head.body)
      for (const name of snapshotNames) {
        const snapshot = await raw.loadSnapshot(ref, name)
        if (snapshot === undefined) continue
        sum.snapshots++
        for (const chunk of snapshot.chunks) addBody(chunk)
      }
      if (!keep) continue
      for (let after = 0; after < head.version;) {
        const page = await readOrNothing(raw, ref, after)
        if (page.length === 0) break
        for (const { id, body } of page) {
          addId(id)
          addBody(body)
        }
        after = Math.max(after + 1, page.at(-1)!.seq) // goes on, whatever the store says
      }
    }
  }
  return { refs, ...sum, needles: wanted }
}

const headsOf = (raw: LogStore, owner: Owner, kind: LogRef['kind']) => everyPage((page) => raw.list(owner, kind, page))

// A log may expire or go while it is read: then nothing of it is left to collect.
async function readOrNothing(raw: LogStore, ref: LogRef, after: number) {
  try {
    return await raw.read(ref, { after, limit: limits.readEntries })
  } catch (error) {
    if (isRecollectError(error, 'not_found')) return []
    throw error
  }
}

/** `head`, `read` and `loadSnapshot` for each log that was there, and `list` for each kind: every answer but "nothing" is a find. */
export async function probeStore(
  name: string,
  raw: LogStore,
  owner: Owner,
  residue: Residue,
  snapshotNames: readonly string[],
): Promise<readonly Probe[]> {
  let heads = 0
  let reads = 0
  let snapshots = 0
  for (const ref of residue.refs) {
    if ((await raw.head(ref)) !== undefined) heads++
    if (await canRead(raw, ref)) reads++
    for (const snapshotName of snapshotNames) if ((await raw.loadSnapshot(ref, snapshotName)) !== undefined) snapshots++
  }
  let listed = 0
  for (const kind of logKinds) for await (const _ of headsOf(raw, owner, kind)) listed++
  const lookedFor = residue.refs.length
  return [
    { place: `${name}: head`, lookedFor, found: heads },
    { place: `${name}: read`, lookedFor, found: reads },
    { place: `${name}: snapshots`, lookedFor: lookedFor * snapshotNames.length, found: snapshots },
    { place: `${name}: list`, lookedFor: logKinds.length, found: listed },
  ]
}

/** Whether a log answers a read, whatever its head says. */
export async function canRead(raw: LogStore, ref: LogRef): Promise<boolean> {
  try {
    await raw.read(ref, { limit: 1 })
    return true
  } catch (error) {
    if (isRecollectError(error, 'not_found')) return false
    throw error
  }
}
