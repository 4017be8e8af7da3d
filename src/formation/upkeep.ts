// Removing from long-term memory: by id, by what a record rests on, by age. Each redaction follows a tombstone in the log (ERA-3, ERA-4, LIFE-4).
import { limits } from '../core/limits.ts'
import type { MemoryEvent } from '../core/memory.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Redacted } from '../security/erasure/redact-entries.ts'
import { eventId } from './event-id.ts'
import { noneKnown, sessionKey, type Known, type KnownRecords } from './known-records.ts'
import type { MemoryLogs } from './memory-log.ts'
import type { WorkLease } from './work-lease.ts'

export interface EvidenceLoss {
  readonly session: string
  readonly birth: number
  readonly seqs?: readonly number[] // without: the whole session
}
export interface Lost {
  readonly records: number // that went, since nothing else bears them
  readonly rederived: number // that lost some evidence and stand on the rest
  readonly kept: readonly { readonly what: string; readonly why: string }[]
  readonly redacted: readonly Redacted[]
}

export interface Upkeep {
  /** Under the owner's lease. */
  exclusively<T>(scope: Scope, run: () => Promise<T>): Promise<T>
  /** Tombstone first, then redaction; what was cut off between the two is finished by the next call. */
  removeRecords(scope: Scope, ids: readonly string[], suppress: readonly string[], why: 'forgotten' | 'expired'): Promise<readonly Redacted[]>
  /** What these tags stand for forms no more, whatever becomes of the records that say it (ERA-3). */
  suppress(scope: Scope, tags: readonly string[]): Promise<void>
  loseEvidence(scope: Scope, of: EvidenceLoss, mode: 'forget' | 'keep'): Promise<Lost>
  /** Redacts what is past its life, and finishes what was cut off. Where nothing ended it reads the log's head and no more. */
  expireRecords(scope: Scope): Promise<number>
}

export function createUpkeep({ logs, work, clock }: { readonly logs: MemoryLogs; readonly work: WorkLease; readonly clock: Clock }): Upkeep {
  const knownOf = async (scope: Scope): Promise<KnownRecords> => (await logs.load(scope))?.known ?? noneKnown()

  /** A call that was cut off between its tombstone and its redaction is finished first. */
  async function finishRedactions(scope: Scope): Promise<readonly Redacted[]> {
    const { unredacted } = await knownOf(scope)
    return unredacted.size === 0 ? [] : [await logs.redact(scope, [...unredacted])]
  }

  async function removeRecords(scope: Scope, ids: readonly string[], suppress: readonly string[], why: 'forgotten' | 'expired') {
    const redacted = [...(await finishRedactions(scope))]
    const known = await knownOf(scope)
    for (const { recordIds, seqs } of batches(known, ids)) {
      const tombstone: MemoryEvent = { type: 'tombstone', recordIds, seqs, suppress, why, at: clock.now() }
      await logs.append(scope, [{ id: `gone.${seqs[0]}.${seqs.length}`, event: tombstone }])
      redacted.push(await logs.redact(scope, seqs))
    }
    return redacted
  }

  return {
    exclusively: (scope, run) => work.hold(scope, run),
    removeRecords,

    async suppress(scope, tags) {
      const tombstone: MemoryEvent = { type: 'tombstone', recordIds: [], seqs: [], suppress: tags, why: 'forgotten', at: clock.now() }
      await logs.append(scope, [{ id: eventId('suppressed', ...tags), event: tombstone }])
    },

    async loseEvidence(scope, of, mode) {
      const known = await knownOf(scope)
      const touched = [...(known.bySession.get(sessionKey(of.session, of.birth)) ?? [])].flatMap((id) => known.records.get(id) ?? [])
      const hit = touched.filter((record) => record.evidence.some((one) => rests(one, of)))
      const alone = hit.filter((record) => record.evidence.every((one) => rests(one, of)))
      // What a person said or confirmed by a call of its own stands on that call (ERA-4).
      const going = mode === 'keep' ? [] : alone.filter((record) => record.madeBy !== 'caller' && record.madeBy !== 'person')
      const staying = hit.filter((record) => !going.includes(record))
      if (staying.length > 0 && mode === 'forget')
        await logs.append(
          scope,
          staying.map((record) => ({
            id: eventId(record.id, 'lost', of.birth, of.seqs?.join('-') ?? 'all'),
            event: {
              type: 'evidence-lost' as const,
              recordId: record.id,
              session: of.session,
              birth: of.birth,
              ...(of.seqs === undefined ? {} : { seqs: of.seqs }),
            },
          })),
        )
      const ids = going.map((record) => record.id)
      return {
        redacted: await removeRecords(scope, ids, [], 'forgotten'),
        records: going.length,
        rederived: mode === 'forget' ? staying.length : 0,
        kept: mode === 'keep' && hit.length > 0 ? [{ what: `${hit.length} memory records`, why: 'kept by the caller' }] : [],
      }
    },

    async expireRecords(scope) {
      const nextEnd = await logs.nextEnd(scope)
      if (nextEnd === undefined || nextEnd > clock.now()) return 0
      return work.hold(scope, async () => {
        const known = await knownOf(scope)
        const now = clock.now()
        const due = [...known.records.values()].filter((record) => isPast(record, now))
        await removeRecords(
          scope,
          due.map((record) => record.id),
          [],
          'expired',
        )
        await logs.lookedAfter(scope)
        return due.length
      })
    },
  }
}

/** Records that are there, by so many that a tombstone stays far under the size of an entry; one record's entries are never parted. */
function batches(known: KnownRecords, ids: readonly string[]): { readonly recordIds: string[]; readonly seqs: number[] }[] {
  const out: { recordIds: string[]; seqs: number[] }[] = []
  for (const id of new Set(ids)) {
    const seqs = known.records.get(id)?.seqs
    if (seqs === undefined) continue
    const last = out.at(-1)
    if (last !== undefined && last.seqs.length + seqs.length <= limits.appendEntries) {
      last.recordIds.push(id)
      last.seqs.push(...seqs)
    } else out.push({ recordIds: [id], seqs: [...seqs] })
  }
  for (const { seqs } of out) seqs.sort((a, b) => a - b)
  return out
}

const isPast = (record: Known, now: number): boolean => record.expiresAt !== undefined && record.expiresAt <= now

const rests = (one: { readonly log: string; readonly birth: number; readonly seq: number }, of: EvidenceLoss): boolean =>
  one.log === of.session && one.birth === of.birth && (of.seqs === undefined || of.seqs.includes(one.seq))
