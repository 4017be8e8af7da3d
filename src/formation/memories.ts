// An owner's long-term memory as an application uses it: remember, find, list, forget (MEM-3, ERA-3).
import { authorities, origins } from '../core/authority.ts'
import { checkFields, pageFields, pageLimit, type Fields } from '../core/check-fields.ts'
import { RecollectError } from '../core/errors.ts'
import { isAlive, memoryKinds, type MemoryRecord } from '../core/memory.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import type { AuditActor } from '../security/audit/actor.ts'
import { together, type Redacted } from '../security/erasure/redact-entries.ts'
import { carryOut, type RemovalResult } from '../security/erasure/removal.ts'
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

export function createMemories(parts: MemoryParts, owner: Scope, by: AuditActor): Memories {
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
        const target = { kind: 'record', pseudonym: `mem-${keys.tag('pseudonym', ['record', id])}` }
        return carryOut(parts, scope, { by, action: 'memory.forget', verb: 'forget', target, requestedAt }, () =>
          forgetRecord(parts, scope, known, id, record, options.sources === true),
        )
      })
    },
  }
}

async function forgetRecord(
  parts: MemoryParts,
  scope: Scope,
  known: KnownRecords,
  id: string,
  record: MemoryRecord | undefined,
  withSources: boolean,
): Promise<RemovalResult> {
  const ids = record === undefined ? [id] : [...sameText(known, record).filter((twin) => twin !== id), id]
  const before = known.records.size
  const injectedInto = await parts.injectedInto(scope, ids)
  const { redacted, rederived } = await removeCopies(parts, scope, known, record, ids, withSources)
  parts.recall.drop(scope)
  const left = (await parts.logs.load(scope))?.known.records ?? new Map<string, unknown>()
  const { removed, probes } = together(redacted)
  return {
    removed,
    records: before - left.size,
    rederived,
    keptWhy:
      injectedInto.length === 0
        ? []
        : [{ what: 'assistant text in sessions that were shown the record', why: 'what was said stays said; delete the sessions to remove it' }],
    injectedInto,
    probes: [...probes, { place: 'memories: records', lookedFor: ids.length, found: ids.filter((one) => left.has(one)).length }],
  }
}

/**
 * The record in all its copies. A call that is cut off is taken up again as long as the record is there: so it goes last, after its copies
 * and after all messages that any of them was said in. One that is gone already leaves only a cut-off redaction to finish.
 */
async function removeCopies(
  { upkeep, keys, redactSources }: MemoryParts,
  scope: Scope,
  known: KnownRecords,
  record: MemoryRecord | undefined,
  ids: readonly string[],
  withSources: boolean,
): Promise<{ readonly redacted: readonly Redacted[]; readonly rederived: number }> {
  if (record === undefined) return { redacted: await upkeep.removeRecords(scope, [], [], 'forgotten'), rederived: 0 }
  const ownerKeys = await keys.ownerKeys(scope)
  const said = ids.length === 1 ? [] : [suppressTag(ownerKeys, { kind: 'episodic', text: record.text })]
  const suppress = [...new Set([suppressTag(ownerKeys, record), ...said])]
  // What is known holds every span; the record itself at most eight.
  const sourcesOf = (of: readonly string[]) =>
    of.flatMap((id) => known.records.get(id)?.evidence ?? []).map(({ log, birth, seq }) => ({ session: log, birth, seq }))
  const redacted: Redacted[] = []
  let rederived = 0
  if (withSources) {
    const places = [sourcesOf(ids.slice(0, -1)), sourcesOf(ids.slice(-1))]
    await upkeep.suppress(scope, suppress) // before a record goes with its last source
    for (const place of places)
      for (const source of await redactSources(scope, place)) {
        redacted.push(source.redacted, ...source.lost.redacted)
        rederived += source.lost.rederived
      }
  }
  redacted.push(...(await upkeep.removeRecords(scope, ids, suppress, 'forgotten')))
  return { redacted, rederived }
}

const noRecord = (): RecollectError =>
  new RecollectError('not_found', 'there is no such memory', 'List the memories, or search, to see what is there.')

function seqOf(cursor: string): number {
  const seq = Number(cursor)
  if (!/^\d{1,15}$/.test(cursor) || seq < 1)
    throw new RecollectError('invalid_input', 'the cursor is not one of this list', 'Begin again without a cursor.')
  return seq
}
