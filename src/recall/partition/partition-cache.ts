// The partitions of a process: each as of one `head` call, extended by the tail, built anew where the log was rewritten, least recently used out (NODE-2, PART-5, PART-6).
import { setImmediate } from 'node:timers/promises'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { refOf, type LogRef } from '../../core/log-ref.ts'
import { decodeMemory } from '../../core/memory-events.ts'
import { memoryLogId, type DecodedMemory } from '../../core/memory.ts'
import { ownerKey, type Owner, type Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import {
  addEntries,
  createPartition,
  freePartition,
  indexRows,
  partitionBytes,
  trimPartition,
  type Partition,
  type PartitionTools,
} from './partition.ts'
import { logPages } from '../../security/log-pages.ts'
import { loadPartition } from './snapshot.ts'

export interface PartitionCache {
  /** The owner's partition as of now. It may be freed by the next call that waits: use it before the next `await`. */
  fresh(scope: Scope): Promise<Partition>
  /** As `fresh`, for several questions of one moment: one `head` call for all of them, while the partition is held. */
  moment(scope: Scope): () => Promise<Partition>
  /** As `fresh`, with the birth of its log; 0 without a log. */
  held(scope: Scope): Promise<{ readonly ref: LogRef; readonly partition: Partition; readonly birth: number }>
  drop(owner: Owner): void
  /** Partitions of the owner that are held: 1 or 0. One that no log fills holds nothing of anybody. */
  holds(owner: Owner): number
  readonly bytes: number
}

interface Held {
  partition: Partition
  birth: number
  revision: number
  rewrites: number
  bytes: number
  measured: number // its state when `bytes` were
}

/** Changes with whatever takes room: entries, and the map of ids that is made when it is first asked for. */
const stateOf = ({ revision, partition: { rows } }: Held): number => 2 * revision + (rows.ids === undefined ? 0 : 1)

export interface CacheParts {
  readonly memories: LogStore
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly tools: PartitionTools
  readonly maxBytes: number
}

export function createPartitionCache(parts: CacheParts): PartitionCache {
  const held = new Map<string, Held>()
  const running = new Map<string, Promise<Held>>()
  let bytes = 0

  const remove = (name: string) => {
    const one = held.get(name)
    if (one === undefined) return
    held.delete(name)
    bytes -= one.bytes
    freePartition(one.partition)
  }
  const keep = (name: string, one: Held) => {
    if (held.get(name) !== one) remove(name)
    else bytes -= one.bytes
    held.delete(name) // the newest stands last
    if (one.measured !== stateOf(one)) one.bytes = partitionBytes(one.partition)
    one.measured = stateOf(one)
    held.set(name, one)
    bytes += one.bytes
    for (const other of held.keys()) {
      if (bytes <= parts.maxBytes || other === name) break
      remove(other)
    }
  }
  const refresh = async (scope: Scope, name: string): Promise<Held> => {
    const ref = refOf(scope, 'memory', memoryLogId)
    for (let attempt = 0; attempt < limits.loadAttempts; attempt++) {
      const head = await parts.memories.head(ref)
      const known = held.get(name)
      const next = await upToHead(parts, ref, known, head)
      if (next === undefined) continue // a redaction crossed the read
      keep(name, next)
      return next
    }
    throw new RecollectError('conflict', 'the memory log changed during each read', 'Send the search again.', { limit: limits.loadAttempts })
  }

  const brought = (scope: Scope): Promise<Held> => {
    const name = ownerKey(scope)
    const before = running.get(name)
    // one at a time an owner, each with a `head` of its own: a call sees all that was written before it was made (LOG-6)
    const run = before === undefined ? refresh(scope, name) : before.then(undefinedOf, undefinedOf).then(() => refresh(scope, name))
    running.set(name, run)
    const end = () => {
      if (running.get(name) === run) running.delete(name)
    }
    run.then(end, end)
    return run
  }

  return {
    get bytes() {
      return bytes
    },
    fresh: async (scope) => (await brought(scope)).partition,
    moment(scope) {
      let asked: Promise<Held> | undefined
      const ask = () => {
        const asking = brought(scope)
        asking.catch(() => {
          if (asked === asking) asked = undefined // the next question may fare better
        })
        return (asked = asking)
      }
      return async () => {
        const known = await (asked ?? ask())
        const stands = held.get(ownerKey(scope)) === known && !known.partition.freed
        return stands ? known.partition : (await ask()).partition
      }
    },
    async held(scope) {
      const { partition, birth } = await brought(scope)
      return { ref: refOf(scope, 'memory', memoryLogId), partition, birth }
    },
    drop: (owner) => remove(ownerKey(owner)),
    holds: (owner) => ((held.get(ownerKey(owner))?.birth ?? 0) === 0 ? 0 : 1),
  }
}

const undefinedOf = (): undefined => undefined

/** What is held, brought up to the head; or built anew; `undefined` if the log was rewritten meanwhile. */
async function upToHead(parts: CacheParts, ref: LogRef, known: Held | undefined, head: Head | undefined): Promise<Held | undefined> {
  const { tools } = parts
  if (head === undefined) {
    if (known?.birth === 0) return known
    const empty = createPartition(tools)
    indexRows(empty)
    return { partition: empty, birth: 0, revision: 0, rewrites: 0, bytes: 0, measured: -1 }
  }
  const same = known !== undefined && known.birth === head.birth && !known.partition.freed
  if (same && known.revision === head.revision) return known
  if (same && known.rewrites === head.rewrites && head.version - known.partition.rows.upTo <= limits.tailExtended) {
    const tail = await readEntries(parts.memories, ref, known.partition.rows.upTo, head.version)
    if (known.partition.freed) return undefined
    addEntries(known.partition, tail)
    const pause = pausing(parts.clock)
    while (!indexRows(known.partition, limits.buildSlice)) {
      await pause()
      if (known.partition.freed) return undefined
    }
    known.revision = head.revision
    return known
  }
  const partition = (await loadPartition(parts, ref, head)) ?? createPartition(tools)
  try {
    await build(parts, ref, partition, head)
    const after = await parts.memories.head(ref)
    if (after === undefined || after.birth !== head.birth || after.rewrites !== head.rewrites) {
      freePartition(partition)
      return undefined
    }
  } catch (error) {
    freePartition(partition)
    throw error
  }
  return { partition, birth: head.birth, revision: head.revision, rewrites: head.rewrites, bytes: 0, measured: -1 }
}

/** Reads what the partition lacks, and indexes it in slices, so that the process answers others meanwhile (PART-6). */
async function build({ memories, clock }: CacheParts, ref: LogRef, partition: Partition, head: Head): Promise<void> {
  const pause = pausing(clock)
  for await (const page of logPages(memories, ref, partition.rows.upTo, head.version))
    for (let at = 0; at < page.length; at += limits.buildSlice) {
      addEntries(partition, page.slice(at, at + limits.buildSlice).map(decodeMemory))
      await pause()
    }
  while (!indexRows(partition, limits.buildSlice)) await pause()
  trimPartition(partition)
}

/** Lets the process answer others, at most every few ms (PART-6). */
function pausing(clock: Clock): () => Promise<void> {
  let since = clock.now()
  return async () => {
    if (clock.now() - since < limits.yieldEveryMs) return
    await setImmediate()
    since = clock.now()
  }
}

async function readEntries(memories: LogStore, ref: LogRef, after: number, upTo: number): Promise<DecodedMemory[]> {
  const entries: DecodedMemory[] = []
  for await (const page of logPages(memories, ref, after, upTo)) entries.push(...page.map(decodeMemory))
  return entries
}
