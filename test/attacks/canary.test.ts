// A marked word goes through every call of the library, and is looked for in all that leaves it sideways: metrics, log lines, errors, receipts, files.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import type { Telemetry } from '../../src/ports/telemetry.ts'
import { aWorld } from '../surfaces/library-world.ts'

const content = 'heliotrope7f3a'
const name = 'marigold9c1e' // names are in clear in the store, and nowhere else

/** Keeps every argument of every call, as text. */
function everything(): { readonly telemetry: Telemetry; told(): string } {
  const calls: unknown[] = []
  const keep = (...given: unknown[]) => void calls.push(given)
  return { telemetry: { count: keep, observe: keep, gauge: keep, log: keep }, told: () => JSON.stringify(calls) }
}

/** What a caller or a log is shown of an error: all but its cause. */
const shown = (error: unknown): string => {
  const { code, message, nextStep, details, stack } = error as Record<string, unknown>
  return JSON.stringify({ code, message, nextStep, details, stack: String(stack).split('\n')[0] })
}

test('what is said, titled, noted or asked stands in no metric, log line, error, receipt or file; names of callers in no more than the store [ACC-15, SEAL-1]', async () => {
  const { telemetry, told } = everything()
  let working = true
  const embedder = {
    info: { id: 'letters', dimensions: 8, maxTokens: 64, local: true },
    embed: async (texts: readonly string[]) => {
      if (!working) throw new Error(`no vector for ${texts.join()}`) // a driver's text with content in it
      return texts.map((one) => new Float32Array(8).fill(one.length % 7))
    },
  }
  const { recollect, dataDir } = await aWorld('sqlite', { telemetry, embedder, receipts: 'durable', clock: systemClock })
  const user = recollect.user(name)
  const session = await user.session(name, { title: content, metadata: { [content]: content } })
  const refused: string[] = []
  const tries = async (...calls: (() => Promise<unknown>)[]) => {
    for (const call of calls)
      await call().then(
        () => expect.fail(`went through: ${call.toString()}`),
        (error: unknown) => refused.push(shown(error)),
      )
  }
  await session.append([
    { id: name, role: 'user', text: `My locker code is ${content}.` },
    { role: 'assistant', text: `So it is ${content}.` },
  ])
  await user.memories.settled()
  working = false
  await session.append({ role: 'user', text: `Another ${content}.` })
  await user.memories.settled()
  await session.patchState({ [content]: content })
  const context = await session.context({ budgetTokens: 8_000 })
  const { record } = await user.memories.remember(`I like ${content}.`)
  await user.memories.search(content)
  await user.memories.explain(content, record.id)
  await tries(
    () => session.append({ role: content as never, text: content }),
    () => session.append({ role: 'user', text: `${content}\ud800` }),
    () => session.append({ role: 'user', text: content.repeat(200_000) }),
    () => session.append({ role: 'user', text: content }, { expectedVersion: 99 }),
    () => session.message(`${name} ${content}`),
    () => session.patchState(content as never, { ifRevision: 99 } as never),
    () => user.memories.remember(content.repeat(1_000)),
    () => user.memories.remember(content, { kind: content as never }),
    () => user.memories.search(content, { limit: content as never }),
    () => user.memories.get(content),
    () => user.memories.list({}, { limit: content as never }),
    () => session.messages({ limit: content as never }),
    () => session.receipts.list({ limit: content as never }),
    () => user.memories.list({}, { cursor: content }),
    () => user.sessions.get(content),
    () => user.session(`~${content}`),
    () => session.context({ budgetTokens: content as never }),
    () => session.context({ strategy: content as never }),
  )
  const receipts = [context.receipt, await user.memories.forget(record.id), await session.redact(name), await session.delete()]
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  const bytes = files.map((file) => readFileSync(path.join(file.parentPath, file.name), 'latin1')).join('')
  const erased = await user.erase()
  expect(refused).toHaveLength(18)
  expect(bytes).toContain(name)
  for (const [place, text] of Object.entries({ telemetry: told(), errors: refused.join('\n'), receipts: JSON.stringify([...receipts, erased]) })) {
    expect(text.length, place).toBeGreaterThan(200)
    expect(text, place).not.toContain(content)
  }
  expect(bytes).not.toContain(content)
  expect(told()).not.toContain(name)
  expect(refused.join('\n')).not.toContain(name)
})
