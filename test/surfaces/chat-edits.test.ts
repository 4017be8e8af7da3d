// What an edit does to a session, and what two calls at once do: the path is what the client holds, and nobody writes under another's turn.
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { gatewayWorld, user, type GatewayWorld } from './gateway-world.ts'
import { refuses, says, type Step } from './scripted-upstream.ts'

const world = await gatewayWorld()
afterAll(() => world.close())

const { fresh } = world
const sent = () => world.upstream.bodies.at(-1) as JsonObject
const say = async (session: string, content: string) => (await world.chat(session, user(content))).text()

describe('edits', () => {
  const edited = (name: string, to: GatewayWorld, headers?: Record<string, string>) =>
    to.chat(
      name,
      {
        messages: [
          { role: 'user', content: 'one' },
          { role: 'assistant', content: 'ok' },
          { role: 'user', content: 'another two' },
        ],
      },
      headers,
    )
  const twoTurns = async (name: string, to: GatewayWorld) => {
    for (const content of ['one', 'two']) await (await to.chat(name, user(content))).text()
  }

  test('the session goes on from the edit [OAI-8]', async () => {
    const name = fresh()
    await twoTurns(name, world)
    await (await edited(name, world)).text()
    expect(await world.said(name)).toEqual(['user: one', 'assistant: ok', 'user: another two', 'assistant: ok'])
  })

  test('wherever in the list it stands, also before the first answer, and stands once however often it is sent [OAI-8, OAI-10]', async () => {
    const list = [0, 1, 2].flatMap((n) => [
      { role: 'user', content: `question ${n}` },
      { role: 'assistant', content: `answer ${n}` },
    ])
    for (const at of [0, 2, 4]) {
      const name = fresh()
      await (await world.alice.session(name)).append(list.map(({ role, content }) => ({ role: role as 'user', text: content })))
      const messages = [...list.map((one, i) => (i === at ? { ...one, content: 'another question' } : one)), { role: 'user', content: 'and now?' }]
      world.upstream.next(refuses(503, {}))
      expect((await world.chat(name, { messages })).status).toBe(503)
      await (await world.chat(name, { messages })).text()
      expect(sent().messages).toEqual(messages)
      expect(await world.said(name)).toEqual([...messages.map(({ role, content }) => `${role}: ${content}`), 'assistant: ok'])
    }
  })

  test('regenerate drops the last answer and asks again [OAI-8]', async () => {
    const name = fresh()
    await twoTurns(name, world)
    world.upstream.next(says('another answer'))
    const messages = ['one', 'ok', 'two'].map((content, i) => ({ role: i === 1 ? 'assistant' : 'user', content }))
    await (await world.chat(name, { messages })).text()
    expect(await world.said(name)).toEqual(['user: one', 'assistant: ok', 'user: two', 'assistant: another answer'])
  })

  test('an edit with more behind it than one append holds leaves each once [OAI-8, GW-11]', async () => {
    const name = fresh()
    await twoTurns(name, world)
    const more = Array.from({ length: 250 }, (_, i) => ({ role: i % 2 === 0 ? 'assistant' : 'user', content: `more ${i}` }))
    const messages = [...['one', 'ok', 'edited'].map((content, i) => ({ role: i === 1 ? 'assistant' : 'user', content })), ...more]
    await (await world.chat(name, { messages })).text()
    expect((await (await world.session(name)).info()).size.messages).toBe(messages.length + 1)
  })

  test('the reply tells of a history that is not ours, and of an answer that came back altered [OAI-8, OAI-21]', async () => {
    const name = fresh()
    const told = async (...texts: string[]) => {
      const messages = texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
      return (await world.chat(name, { messages })).headers.get('recollect-history')
    }
    expect(await told('one')).toBeNull()
    expect(await told('one', 'ok', 'two')).toBeNull()
    expect(await told('one', 'changed', 'two', 'changed', 'three')).toBe('altered')
    expect(await told('from', 'elsewhere', 'four')).toBe('unknown')
    expect((await world.said(name)).slice(6)).toEqual(['user: from', 'assistant: elsewhere', 'user: four', 'assistant: ok'])
  })

  test('a dry run shows what an edit, and a whole history, would come to, and changes nothing [OAI-23]', async () => {
    const name = fresh()
    await twoTurns(name, world)
    const { version } = await (await world.session(name)).info()
    const shown = async (...texts: string[]) => {
      const messages = texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
      const reply = await world.chat(name, { messages }, { 'recollect-mode': 'dry-run' })
      const shown = ((await reply.json()) as { messages: { content: string | { text: string }[] }[] }).messages
      return shown.map(({ content }) => (typeof content === 'string' ? content : content.at(-1)?.text)) // behind what is recalled
    }
    expect(await shown('one', 'ok', 'two', 'ok', 'three')).toEqual(['one', 'ok', 'two', 'ok', 'three'])
    expect(await shown('one', 'ok', 'edited')).toEqual(['one', 'ok', 'edited'])
    expect((await (await world.session(name)).info()).version).toBe(version)
  })

  test('where edits fork, the fork goes on in a turn of its own and the session stays as it was [OAI-8]', async () => {
    const forks = await gatewayWorld({ onEdit: 'fork' })
    await twoTurns('s', forks)
    let goOn = () => {}
    forks.upstream.next((response, body) => (goOn = () => says('forked')(response, body)))
    const asked = forks.upstream.bodies.length
    const going = edited('s', forks)
    await expect.poll(() => forks.upstream.bodies.length).toBe(asked + 1)
    const fork = (await forks.alice.sessions.list()).items.map(({ id }) => id).find((id) => id !== 's') as string
    expect(await forks.isFree('s')).toBe(true)
    await expect(forks.isFree(fork)).rejects.toMatchObject({ code: 'conflict' })
    goOn()
    const reply = await going
    await reply.text()
    expect(decodeURIComponent(reply.headers.get('recollect-session') ?? '')).toBe(fork)
    expect(await forks.said('s')).toEqual(['user: one', 'assistant: ok', 'user: two', 'assistant: ok'])
    expect(await forks.said(fork)).toEqual(['user: one', 'assistant: ok', 'user: another two', 'assistant: forked'])
    expect(await forks.isFree(fork)).toBe(true)
    const messages = ['ONE', 'ok', 'two'].map((content, i) => ({ role: i === 1 ? 'assistant' : 'user', content }))
    const anew = decodeURIComponent((await forks.chat('s', { messages })).headers.get('recollect-session') ?? '')
    expect(await forks.said(anew)).toEqual(['user: ONE', 'assistant: ok', 'user: two', 'assistant: ok'])
    expect((await forks.said('s'))[0]).toBe('user: one')
    await forks.close()
  })

  test('where edits are refused, nothing changes [OAI-8]', async () => {
    const strict = await gatewayWorld({ onEdit: 'refuse' })
    await twoTurns('s', strict)
    const asked = strict.upstream.bodies.length
    const reply = await edited('s', strict)
    expect([reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([409, 'conflict'])
    expect([await strict.said('s'), strict.upstream.bodies.length]).toEqual([['user: one', 'assistant: ok', 'user: two', 'assistant: ok'], asked])
    expect(await strict.isFree('s')).toBe(true)
    await strict.close()
  })

  test('a tail that looks like an edit is taken at its word [OAI-9]', async () => {
    const name = fresh()
    for (const content of ['yes', 'yes']) await say(name, content)
    await (await world.chat(name, user('yes'), { 'recollect-history': 'tail' })).text()
    expect((await world.said(name)).length).toBe(6)
  })
})

test('whatever a client does with its list, and the upstream with its requests, the path is the list [OAI-6, OAI-8, OAI-9, OAI-10]', async () => {
  const step = fc.record({
    does: fc.constantFrom('says', 'says', 'edits', 'regenerates'),
    at: fc.nat(20),
    answers: fc.constantFrom(200, 200, 400, 503, 0),
  })
  let texts = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const name = fresh()
      let held: { role: string; content: string }[] = []
      for (const { does, at, answers: status } of steps) {
        const asked = { role: 'user', content: `said ${++texts}` }
        const turn = 2 * Math.floor((at % Math.max(1, held.length)) / 2)
        if (does === 'says') held = [...held, asked]
        else if (held.length > 0) held = [...held.slice(0, turn), does === 'edits' ? asked : (held[turn] as typeof asked)]
        if (held.length === 0) continue
        const answer = `answer ${texts}`
        const broken: Step = (response) => void response.destroy()
        const outcome = status === 200 ? says(answer) : status === 0 ? broken : refuses(status, {})
        world.upstream.next(outcome)
        const reply = await world.chat(name, { messages: held }, { 'recollect-history': 'full' })
        await reply.text()
        expect(reply.status).toBe(status === 0 ? 503 : status)
        held = status === 200 ? [...held, { role: 'assistant', content: answer }] : held.slice(0, -1) // what failed is left out
        if (status === 200) expect(await world.said(name)).toEqual(held.map(({ role, content }) => `${role}: ${content}`))
        expect(await world.isFree(name)).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})

test('a second call on a session waits for the first; with recollect-turn: refuse it is told at once [OAI-24]', async () => {
  const name = fresh()
  let goOn = () => {}
  world.upstream.next((response, body) => (goOn = () => says('first')(response, body)))
  const asked = world.upstream.bodies.length
  const first = world.chat(name, user('one')).then((reply) => reply.text())
  await expect.poll(() => world.upstream.bodies.length).toBe(asked + 1)
  const refused = await world.chat(name, user('two'), { 'recollect-turn': 'refuse' })
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([409, true])
  const second = world.chat(name, user('two')).then((reply) => reply.text())
  goOn()
  await Promise.all([first, second])
  expect(await world.said(name)).toEqual(['user: one', 'assistant: first', 'user: two', 'assistant: ok'])
})

test.each([
  ['stores no answer', says('too late'), 'too late'],
  ['takes nothing back', refuses(400, { message: 'too late' }), 'too late'],
])('a turn that was lost to another %s, and the client has its reply [OAI-6, OAI-22, NODE-4]', async (_, step, told) => {
  const name = fresh()
  let goOn = () => {}
  world.upstream.next((response, body) => (goOn = () => step(response, body)))
  const [asked, began] = [world.upstream.bodies.length, Date.now()]
  const late = world.chat(name, user('one')).then((reply) => reply.text())
  await expect.poll(() => world.upstream.bodies.length).toBe(asked + 1)
  const [store] = world.stores
  const lease = { tenantId: 'default', ownerId: 'alice', purpose: `turn/${name}` }
  for (let number = began; (await store?.lease(lease, 1_000)) === undefined; number++) await store?.release({ name: lease, number })
  goOn()
  expect(await late).toContain(told)
  expect(await world.said(name)).toEqual(['user: one'])
})
