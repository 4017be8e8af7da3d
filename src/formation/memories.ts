// An owner's long-term memory as an application uses it: remember, find, list, forget (MEM-3, ERA-3).
import { authorities, origins } from '../core/authority.ts'
import { checkFields, pageFields, type Fields } from '../core/check-fields.ts'
import type { DeletionReceipt } from '../core/deletion.ts'
import { RecollectError, numberGiven } from '../core/errors.ts'
import { madeId } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { isAlive, memoryKinds, type MemoryRecord } from '../core/memory.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import type { OwnerKeys } from '../security/owner-keys.ts'
import { suppressTag } from './form-records.ts'
import { noneKnown, sameText, type KnownRecords } from './known-records.ts'
import type { MemoryParts } from './memory-parts.ts'
import type { Memories } from './memory-types.ts'
import { remember } from './remember.ts'

const rememberFields: Fields = {
  kind: memoryKinds,
  slot: 'text',
  value: 'text',
  validFrom: 'number',
  validUntil: 'number',
  supersedes: 'texts',
  origin: origins,
  id: 'text',
}
const filterFields: Fields = {
  kind: memoryKinds,
  slot: 'text',
  origin: origins,
  authority: authorities,
  session: 'text',
  status: ['current', 'ended', 'all'],
  validAt: 'number',
}

export function createMemories(parts: MemoryParts, owner: Scope): Memories {
  const scope = requireScope(owner)
  const { logs, recall, clock } = parts
  return {
    async remember(text, options = {}) {
      checkFields(options, rememberFields, 'the options of a memory')
      return remember(parts, scope, text, options)
    },
    search: async (query, options) => recall.search(scope, query, options),
    explain: async (query, id, options) => recall.explain(scope, query, id, options),
    settled: () => parts.settled(scope),

    async list(filter = {}, page = {}) {
      checkFields(filter, filterFields, 'the filter')
      checkFields(page, pageFields, 'the page')
      const limit = pageLimit(page.limit)
      const before = page.cursor === undefined ? undefined : seqOf(page.cursor)
      const items = (await recall.partition(scope)).list(
        { status: 'current', ...filter, now: clock.now() },
        { limit: limit + 1, ...(before === undefined ? {} : { before }) },
      )
      const shown = items.slice(0, limit)
      return { items: shown, ...(items.length > limit ? { cursor: String((shown.at(-1) as MemoryRecord).seq) } : {}) }
    },

    async get(id) {
      const record = (await recall.partition(scope)).get(id)
      if (record === undefined || !isAlive(record, clock.now())) throw noRecord()
      return record
    },

    async forget(id, options = {}) {
      checkFields(options, { sources: 'flag' }, 'the options of a forgetting')
      const requestedAt = clock.now()
      const keys = await parts.keys.ownerKeys(scope)
      return parts.upkeep.exclusively(scope, async () => {
        const known = (await logs.load(scope))?.known ?? noneKnown()
        const record = (await recall.partition(scope)).get(id)
        if (record === undefined && !known.gone.has(id)) throw noRecord()
        const twins = record === undefined ? [] : sameText(known, record).filter((twin) => twin !== id)
        const injectedInto = await parts.injectedInto(scope, [id, ...twins])
        const gone = await removeCopies(parts, scope, keys, known, record, twins, options.sources === true)
        recall.drop(scope)
        return receiptOf(parts, scope, keys, { id, requestedAt, ...gone, injectedInto })
      })
    },
  }
}

/**
 * The record in all its copies. A call that is cut off is taken up again as long as the record is there: so it goes last, after its copies
 * and after all messages that any of them was said in. One that is gone already leaves only a cut-off redaction to finish.
 */
async function removeCopies(
  { upkeep, redactSources }: MemoryParts,
  scope: Scope,
  keys: OwnerKeys,
  known: KnownRecords,
  record: MemoryRecord | undefined,
  twins: readonly string[],
  withSources: boolean,
): Promise<{ records: number; entries: number; sources: number }> {
  if (record === undefined) {
    await upkeep.removeRecords(scope, [], [], 'forgotten')
    return { records: 0, entries: 0, sources: 0 }
  }
  const said = twins.length === 0 ? [] : [suppressTag(keys, { kind: 'episodic', text: record.text })]
  const suppress = [...new Set([suppressTag(keys, record), ...said])]
  const entries = [...twins, record.id].reduce((sum, id) => sum + (known.records.get(id)?.seqs.length ?? 0), 0)
  // What is known holds every span; the record itself at most eight.
  const sourcesOf = (ids: readonly string[]) =>
    ids.flatMap((id) => known.records.get(id)?.evidence ?? []).map(({ log, birth, seq }) => ({ session: log, birth, seq }))
  let sources = 0
  if (withSources) {
    const places = [sourcesOf(twins), sourcesOf([record.id])]
    await upkeep.suppress(scope, suppress) // before a record goes with its last source
    for (const place of places) sources += await redactSources(scope, place)
  }
  await upkeep.removeRecords(scope, [...twins, record.id], suppress, 'forgotten')
  return { records: 1 + twins.length, entries, sources }
}

async function receiptOf(
  parts: MemoryParts,
  scope: Scope,
  keys: OwnerKeys,
  done: { id: string; requestedAt: number; records: number; entries: number; sources: number; injectedInto: readonly string[] },
): Promise<DeletionReceipt> {
  const target = `mem-${keys.tag('pseudonym', ['record', done.id])}`
  const counts = { records: done.records, entries: done.entries, sources: done.sources }
  await parts.audit.record({
    tenantId: scope.tenantId,
    actor: 'in-process',
    action: 'memory.forget',
    target: { kind: 'record', pseudonym: target },
    decision: 'done',
    counts,
  })
  const auditHead = await parts.audit.head(scope.tenantId)
  return parts.signed.sign<DeletionReceipt>(scope.tenantId, {
    id: madeId('del', parts.random),
    verb: 'forget',
    target,
    requestedAt: done.requestedAt,
    completedAt: parts.clock.now(),
    removed: [{ store: parts.storeName, logs: 0, entries: done.entries + done.sources, snapshots: 0, bytes: 0 }],
    records: done.records,
    rederived: 0,
    keptWhy:
      done.injectedInto.length === 0
        ? []
        : [{ what: 'assistant text in sessions that were shown the record', why: 'what was said stays said; delete the sessions to remove it' }],
    injectedInto: done.injectedInto,
    ...(auditHead === undefined ? {} : { auditHead }),
  })
}

const noRecord = (): RecollectError => new RecollectError('not_found', 'there is no such memory', 'List memories to see what is there.')

function pageLimit(limit: number | undefined): number {
  const given = limit ?? limits.pageItems
  if (!Number.isInteger(given) || given < 1 || given > limits.pageItemsMost)
    throw new RecollectError(
      'invalid_input',
      `a page has 1 to ${limits.pageItemsMost} items; asked for ${numberGiven(given)}`,
      'Ask for fewer, and go on with the cursor.',
      { limit: limits.pageItemsMost, ...(typeof given === 'number' ? { given } : {}) },
    )
  return given
}

function seqOf(cursor: string): number {
  const seq = Number(cursor)
  if (!/^\d{1,15}$/.test(cursor) || seq < 1)
    throw new RecollectError('invalid_input', 'the cursor is not one of this list', 'Begin again without a cursor.')
  return seq
}
