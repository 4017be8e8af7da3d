// Long-term memory, erasure, figures, the sweep.
import { RecollectError } from '../../core/errors.ts'
import { foundFault } from '../exit-codes.ts'
import { given, listOf, timeOf, wholeOf } from '../flags.ts'
import { confirm } from '../terminal.ts'
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
    ...(result.hits as readonly { record: { id: string; text: string; saidAt: number; authority: string }; relevance: number }[]).map(
      ({ record, relevance }) =>
        `${record.id}  ${relevance.toFixed(2)}  ${new Date(record.saidAt).toISOString().slice(0, 10)}  ${record.authority}  ${record.text.replaceAll('\n', ' ')}`,
    ),
    ...(result.abstained
      ? [`nothing over the floor of ${result.floor}${result.why === undefined ? '' : `; the best, ${result.why.id}, lacked: ${result.why.lacked}`}`]
      : []),
    ...(flags['explain'] === true ? JSON.stringify(result.explanations ?? [], undefined, 2).split('\n') : []),
  ])
  return 0
}

export async function remember({ backend, terminal }: Work, said: string, flags: Flags): Promise<number> {
  const record = await backend.remember(said, given({ kind: text(flags, 'kind'), slot: text(flags, 'slot') }))
  terminal.result(record, () => [`${record.id}  ${record.kind}  ${record.authority}`])
  return 0
}

export async function forget({ backend, terminal }: Work, id: string, flags: Flags): Promise<number> {
  const receipt = await backend.forget(id, flags['sources'] === true)
  terminal.result(receipt, () => [`forgotten: ${receipt.records} records; ${verdictOf(receipt)}`])
  return receipt.clean ? 0 : foundFault
}

/** What a deletion found when it looked again (ERA-8). */
export const verdictOf = ({ clean, id }: { readonly clean?: boolean; readonly id?: string }): string =>
  `${clean === true ? 'clean' : 'NOT clean'}; receipt ${id}`

export async function erase({ backend, terminal, flags }: Work, own: Flags): Promise<number> {
  const dryRun = own['dryRun'] === true
  const owner = await backend.owner()
  if (owner === undefined) throw new RecollectError('invalid_input', 'this key is of no owner', 'Say whose data it is, with --owner.')
  if (!dryRun) await confirm(terminal, flags.yes === true, owner, `This erases everything of ${owner}`)
  const receipt = await backend.erase(owner, dryRun)
  terminal.result(receipt, () => [
    ...(receipt.removed as readonly { store: string; logs: number; entries: number; bytes: number }[]).map(
      (one) => `${one.store}: ${one.logs} logs, ${one.entries} entries, ${one.bytes} bytes ${dryRun ? 'would go' : 'gone'}`,
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
  const share = (value: number | null, count: number, of: string) =>
    value === null ? `– (0 ${of})` : `${(100 * value).toFixed(1)} % of ${count} ${of}`
  terminal.result(figures, () => [
    `memory size     ${figures.memory.sessions} sessions, ${figures.memory.messages} messages, ${figures.memory.bytes} bytes, about ${figures.memory.tokens} tokens; ${figures.memory.records} records, ${figures.memory.recordBytes} bytes`,
    `retrieval       abstained ${share(figures.retrieval.abstentionRate, figures.retrieval.recalls, 'recalls')}; stale ${share(figures.retrieval.staleRate, figures.retrieval.recalledRecords, 'records')}`,
    `tokens          estimated ${figures.tokens.estimated}, billed ${figures.tokens.billed} in ${figures.tokens.billedCalls} of ${figures.tokens.calls} calls, cached ${figures.tokens.cacheRead}, output ${figures.tokens.output}; saved against full history ${figures.tokens.saved}`,
    `injection       ${figures.injection.injections} memories in ${figures.injection.turns} turns; turns with any ${share(figures.injection.injectedShare, figures.injection.turns, 'turns')}; repeated ${share(figures.injection.repeatRate, figures.injection.injections, 'injections')}; cited (lexical) ${share(figures.injection.citedRate, figures.injection.answered, 'answered')}`,
  ])
  return 0
}

export async function sweep({ backend, terminal }: Work, flags: Flags): Promise<number> {
  const report = await backend.sweep(given({ dryRun: flags['dryRun'] === true ? true : undefined, until: timeOf(text(flags, 'until'), '--until') }))
  terminal.result(report, () => [
    ...(report.items as readonly { ownerId: string; session: string; expiresAt: number; entries: number }[]).map(
      (one) => `${one.ownerId}  ${one.session}  ${new Date(one.expiresAt).toISOString()}  ${one.entries} entries`,
    ),
    `${report.dryRun ? 'would look at' : 'looked at'} ${report.looked}, deleted ${report.deleted}, failed ${report.failed}, records expired ${report.recordsExpired}`,
  ])
  return report.failed > 0 ? foundFault : 0
}
