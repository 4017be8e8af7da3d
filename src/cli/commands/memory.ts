// Long-term memory, erasure, figures, the sweep.
import { RecollectError } from '../../core/errors.ts'
import { foundFault } from '../exit-codes.ts'
import { given, listOf, timeOf, wholeOf } from '../flags.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import { confirm, counted } from '../terminal.ts'
import type { Work } from '../work.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>
const text = (flags: Flags, name: string): string | undefined => (typeof flags[name] === 'string' ? (flags[name] as string) : undefined)

export async function search({ backend, terminal }: Work, query: string, flags: Flags): Promise<number> {
  const options = given({
    limit: wholeOf(text(flags, 'limit'), '--limit'),
    kinds: listOf(text(flags, 'kinds'), '--kinds'),
    validAt: timeOf(text(flags, 'at'), '--at'),
    explain: flags['explain'] === true ? true : undefined,
  })
  const result = await backend.search(query, options as object)
  terminal.result(result, () => [
    ...(result.hits as readonly { record: MemoryRecord; relevance: number }[]).map(({ record, relevance }) => lineOf(record, relevance.toFixed(2))),
    ...(result.abstained
      ? [`nothing over the floor of ${result.floor}${result.why === undefined ? '' : `; the best, ${result.why.id}, lacked: ${result.why.lacked}`}`]
      : []),
    ...(flags['explain'] === true ? JSON.stringify(result.explanations ?? [], undefined, 2).split('\n') : []),
  ])
  return 0
}

export async function memories({ backend, terminal }: Work, flags: Flags): Promise<number> {
  const records = await backend.memories(wholeOf(text(flags, 'limit'), '--limit') as number)
  terminal.result(records, () => (records.length === 0 ? ['no memories'] : records.map((record) => lineOf(record, record.kind))))
  return 0
}

const lineOf = ({ id, saidAt, authority, text: said }: MemoryRecord, more: string): string =>
  `${id}  ${more}  ${new Date(saidAt).toISOString().slice(0, 10)}  ${authority}  ${said.replaceAll('\n', ' ')}`

export async function remember({ backend, terminal }: Work, said: string, flags: Flags): Promise<number> {
  const record = await backend.remember(said, given({ kind: text(flags, 'kind'), slot: text(flags, 'slot') }))
  terminal.result(record, () => [`${record.id}  ${record.kind}  ${record.authority}`])
  return 0
}

export async function forget({ backend, terminal }: Work, id: string, flags: Flags): Promise<number> {
  const receipt = await backend.forget(id, flags['sources'] === true)
  terminal.result(receipt, () => [`forgotten: ${counted(receipt.records, 'memory', 'memories')}; ${verdictOf(receipt)}`])
  return receipt.clean ? 0 : foundFault
}

/** What a deletion found when it looked again (ERA-8). */
export const verdictOf = ({ clean, id }: { readonly clean?: boolean; readonly id?: string }): string =>
  `${clean === true ? 'clean' : 'NOT clean'}; receipt ${id}`

export async function erase({ backend, terminal, flags }: Work, own: Flags): Promise<number> {
  const dryRun = own['dryRun'] === true
  const owner = await backend.owner()
  if (owner === undefined) throw new RecollectError('invalid_input', 'this key is of no owner', 'Say whose data it is, with --owner.')
  if (!dryRun) await confirm(terminal, flags.yes === true, owner, `This erases everything of the owner ${owner}`)
  const receipt = await backend.erase(owner, dryRun)
  terminal.result(receipt, () => [
    ...(receipt.removed as readonly { store: string; logs: number; entries: number; bytes: number }[]).map(
      (one) =>
        `${one.store}: ${counted(one.logs, 'log')}, ${counted(one.entries, 'entry', 'entries')}, ${one.bytes} bytes ${dryRun ? 'would go' : 'gone'}`,
    ),
    ...(receipt.probes as readonly { place: string; lookedFor: number; found: number }[]).map(
      (one) => `looked in ${one.place} for ${one.lookedFor}: found ${one.found}`,
    ),
    ...(receipt.notProbed as readonly { place: string; why: string }[]).map((one) => `not looked in ${one.place}: ${one.why}`),
    dryRun ? 'nothing was erased' : verdictOf(receipt),
  ])
  return dryRun || receipt.clean ? 0 : foundFault
}

export async function stats({ backend, terminal }: Work, flags: Flags): Promise<number> {
  const figures = await backend.usage(text(flags, 'session'), timeOf(text(flags, 'since'), '--since'))
  terminal.result(figures, () => figureLines(figures))
  return 0
}

/** The four figures, a clause a line: 80 columns suffice (CLI-5). */
function figureLines({ memory, retrieval, tokens, injection }: Awaited<ReturnType<Work['backend']['usage']>>): string[] {
  const share = (value: number | null, count: number, of: string) =>
    value === null ? `– (0 ${of})` : `${(100 * value).toFixed(1)} % of ${count} ${of}`
  const figure = (name: string, clauses: readonly string[]) => clauses.map((clause, index) => `${(index === 0 ? name : '').padEnd(16)}${clause}`)
  return [
    ...figure('memory size', [
      `${counted(memory.sessions, 'session')}, ${counted(memory.messages, 'message')}`,
      `${memory.bytes} bytes, about ${counted(memory.tokens, 'token')}`,
      `${counted(memory.records, 'record')}, ${memory.recordBytes} bytes`,
    ]),
    ...figure('retrieval', [
      `abstained ${share(retrieval.abstentionRate, retrieval.recalls, 'recalls')}`,
      `stale ${share(retrieval.staleRate, retrieval.recalledRecords, 'records')}`,
    ]),
    ...figure('tokens', [
      `estimated ${tokens.estimated}, billed ${tokens.billed} in ${tokens.billedCalls} of ${tokens.calls} calls`,
      `cached ${tokens.cacheRead}, output ${tokens.output}`,
      `saved against full history ${tokens.saved}`,
    ]),
    ...figure('injection', [
      `${counted(injection.injections, 'memory', 'memories')} in ${counted(injection.turns, 'turn')}`,
      `turns with any ${share(injection.injectedShare, injection.turns, 'turns')}`,
      `repeated ${share(injection.repeatRate, injection.injections, 'injections')}`,
      `cited (lexical) ${share(injection.citedRate, injection.answered, 'answered')}`,
    ]),
  ]
}

export async function sweep({ backend, terminal }: Work, flags: Flags): Promise<number> {
  const report = await backend.sweep(given({ dryRun: flags['dryRun'] === true ? true : undefined, until: timeOf(text(flags, 'until'), '--until') }))
  terminal.result(report, () => [
    ...(report.items as readonly { ownerId: string; session: string; expiresAt: number; entries: number }[]).map(
      (one) => `${one.ownerId}  ${one.session}  ${new Date(one.expiresAt).toISOString()}  ${counted(one.entries, 'entry', 'entries')}`,
    ),
    `${report.dryRun ? 'would look at' : 'looked at'} ${report.looked}, deleted ${report.deleted}, failed ${report.failed}, records expired ${report.recordsExpired}`,
  ])
  return report.failed > 0 ? foundFault : 0
}
