// `recollect chat` against a model upstream that does what the test says: what is shown, what is kept, and how faults end (surfaces.md §6).
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aPlace, built, type Place } from './cli-runs.ts'
import { answers, refuses, says, scriptedUpstream, type ScriptedUpstream, type Step } from './scripted-upstream.ts'

const raw =
  (body: string): Step =>
  (response) =>
    void response.end(body)
const cuts: Step = (response: ServerResponse) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"choices":', () => response.destroy())
}

describe.skipIf(!built)('chat with an upstream', { timeout: 120_000 }, () => {
  let place: Place
  let upstream: ScriptedUpstream
  beforeAll(async () => {
    place = await aPlace()
    upstream = await scriptedUpstream()
  })
  afterAll(async () => {
    await upstream.close()
    await place.remove()
  })
  const chat = (input: string, session: string, args: readonly string[] = []) =>
    place.run(['chat', '--session', session, ...args], {
      input,
      env: { RECOLLECT_UPSTREAM_URL: upstream.url, RECOLLECT_UPSTREAM_KEY: 'canary-51c7' },
    })
  const entriesOf = async (session: string) =>
    (JSON.parse((await place.run(['sessions', 'show', session, '--json'])).out) as { size: { entries: number } }).size.entries

  test('each answer is printed and kept, the next turn carries it, and the billed tokens are counted [CLI-3, CLI-7]', async () => {
    upstream.next(says('Good morning.'), says('You said hello.'))
    const { code, out } = await chat('hello\nwhat did I say?\n', 'talk', ['--model', 'm'])
    expect({ code, out }).toEqual({ code: 0, out: 'Good morning.\nYou said hello.\n' })
    const sent = upstream.bodies.at(-1) as { model: string; messages: { role: string; content: string }[] }
    expect([sent.model, upstream.headers.at(-1)?.authorization]).toEqual(['m', 'Bearer canary-51c7'])
    expect(sent.messages.map(({ content }) => content)).toEqual(['hello', 'Good morning.', 'what did I say?'])
    expect(await entriesOf('talk')).toBe(4)
    const { tokens } = JSON.parse((await place.run(['stats', '--session', 'talk', '--json'])).out) as { tokens: { billed: number; output: number } }
    expect(tokens).toMatchObject({ billed: 200, output: 20 })
  })

  test('the budget is that of the flag, else of the setting [CFG-2]', async () => {
    const budgetOf = async (args: readonly string[]) =>
      /"budget": (\d+)/.exec(
        (await place.run(['chat', '--session', 'budget', ...args], { input: 'hello\n/why\n', env: { RECOLLECT_CONTEXT_BUDGET_TOKENS: '9000' } })).out,
      )?.[1]
    expect([await budgetOf([]), await budgetOf(['--budget-tokens', '7000'])]).toEqual(['9000', '7000'])
  })

  test('what a model says moves no cursor [CLI-3]', async () => {
    upstream.next(says('\u001b[2J gone \u202e turned'))
    expect((await chat('hello\n', 'odd')).out).toBe('\\u{1b}[2J gone \\u{202e} turned\n')
  })

  test('an answer without text is kept, and said to be one [CLI-3]', async () => {
    upstream.next(answers({ tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }] }))
    const { code, out, err } = await chat('hello\n', 'tools')
    expect({ code, out, entries: await entriesOf('tools') }).toEqual({ code: 0, out: '', entries: 2 })
    expect(err).toContain('The model gave no text.')
  })

  test.each([
    ['a refusal', refuses(429, { message: 'canary of the upstream' }), /answered 429/],
    ['JSON that is cut', raw('{"choices":[{'), /no answer of a chat/],
    ['a page', raw('<html>canary of the upstream</html>'), /no answer of a chat/],
    ['null', raw('null'), /no answer of a chat/],
    ['no choice', raw('{"choices":[]}'), /no answer of a chat/],
    ['a reply that breaks off', cuts, /broke off/],
    ['another address', ((response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()) as Step, /cannot be reached/],
  ])(
    'an upstream that gives %s is 9, with a next step; what was said is kept, and nothing of the reply is shown [CLI-6, CLI-7]',
    async (name, step, shape) => {
      upstream.next(step)
      const run = await chat('hello\n', name)
      expect(run).toMatchObject({ code: 9, out: '', err: expect.stringMatching(shape) as string })
      expect(run.err).not.toMatch(/canary|inside Recollect|\n {4}at /)
      expect(await entriesOf(name)).toBe(1)
    },
  )

  test('usage that is garbage leaves the answer whole [CLI-7]', async () => {
    upstream.next(
      raw(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'fine' } }], usage: { prompt_tokens: 'x', completion_tokens: -1 } })),
    )
    expect(await chat('hello\n', 'garbage')).toMatchObject({ code: 0, out: 'fine\n' })
    expect(await entriesOf('garbage')).toBe(2)
  })

  test('bad flags make no session [CLI-7]', async () => {
    for (const args of [
      ['--budget-tokens', 'many'],
      ['--url', 'http://127.0.0.1:9'],
    ])
      expect(await place.run(['chat', '--session', 'never', ...args], { env: { RECOLLECT_KEY: 'rec_none' } })).toMatchObject({ code: 2, out: '' })
    expect((await place.run(['sessions', 'show', 'never'])).code).toBe(4)
  })
})
