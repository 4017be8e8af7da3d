// What an upstream can do wrong on the way of a chat turn (SUR-7): its error passes, the log stays true, the turn is given back.
import { connect } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { serveGateway } from '../../src/gateway/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, user } from './gateway-world.ts'
import { answers, begins, says, type Step } from './scripted-upstream.ts'

const world = await gatewayWorld()
afterAll(() => world.close())

const { fresh } = world

describe('an upstream that breaks', () => {
  const json =
    (text: string, headers: Record<string, string | number> = {}): Step =>
    (response) =>
      void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text)

  test('a reply that is no JSON passes as it came, and is no answer', async () => {
    const name = fresh()
    world.upstream.next(json('{"choices": [cut'))
    const reply = await world.chat(name, user('hello'))
    expect([reply.status, await reply.text()]).toEqual([200, '{"choices": [cut'])
    expect(await world.said(name)).toEqual(['user: hello'])
    expect(await world.isFree(name)).toBe(true)
  })

  test.each<[string, Step]>([
    ['that closes before it answers', (response) => void response.destroy()],
    ['whose reply is cut', (response) => void response.writeHead(200, { 'content-length': 1000 }).write('{"cho', () => response.destroy())],
    ['whose reply is shorter than it said', json('{}', { 'content-length': 50, connection: 'close' })],
  ])('one %s is unavailable, and leaves the turn free [OAI-6, OAI-22]', async (_, step) => {
    const name = fresh()
    world.upstream.next(step)
    const reply = await world.chat(name, user('hello'))
    const { error } = (await reply.json()) as { error: { code: string } }
    expect([reply.status, error.code, reply.headers.get('recollect-error-source')]).toEqual([503, 'unavailable', 'recollect'])
    expect(await world.said(name)).toEqual(['user: hello'])
    expect(await world.isFree(name)).toBe(true)
  })

  test('a stream that is cut ends in an error event; what had arrived is stored as incomplete [OAI-16]', async () => {
    const name = fresh()
    world.upstream.next((response, body) => {
      begins(response, body, [{ content: 'half of ' }, { content: 'an ans' }])
      response.write(': \n\n', () => response.destroy())
    })
    const stream = await world.openai(name).chat.completions.create({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] })
    let text = ''
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    await expect(read()).rejects.toThrow('the model upstream broke off')
    expect(text).toBe('half of an ans')
    expect(await world.said(name)).toEqual(['user: hello', 'assistant: half of an ans (upstream)'])
    expect(await world.isFree(name)).toBe(true)
  })

  test.each([204, 205, 304, 600, 999])('a status of %i is passed on or unavailable, and never ours [OAI-22]', async (status) => {
    for (const mode of ['full', 'off']) {
      world.upstream.next((response) => void response.writeHead(status).end())
      const reply = await world.chat(fresh(), user('hello'), { 'recollect-mode': mode })
      expect([reply.status, await reply.text()]).toEqual(status > 599 ? [503, expect.stringContaining('unavailable')] : [status, ''])
    }
  })

  test('an answer that is no stream where one was asked for passes whole, and is stored [OAI-15]', async () => {
    const name = fresh()
    world.upstream.next((response, body) => says('not streamed')(response, { ...body, stream: false }))
    const reply = (await (await world.chat(name, { ...user('hello'), stream: true })).json()) as { choices: unknown[] }
    expect(reply.choices).toHaveLength(1)
    expect(await world.said(name)).toEqual(['user: hello', 'assistant: not streamed'])
  })

  test('a stream whose lines end in CR alone has ended at its last one [OAI-15]', async () => {
    const name = fresh()
    const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'CR' }, finish_reason: null }] })
    world.upstream.next((response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${chunk}\r\rdata: [DONE]\r\r`))
    expect(await (await world.chat(name, { ...user('hello'), stream: true })).text()).not.toContain('unavailable')
    expect((await world.said(name)).at(-1)).toBe('assistant: CR')
  })

  test('of a stream the event that holds nothing but usage is dropped, whatever its line ends, and all else stays [OAI-15]', async () => {
    for (const end of ['\n\n', '\r\n\r\n']) {
      const event = (choices: readonly object[]) => `data: ${JSON.stringify({ choices, usage: { prompt_tokens: 1, completion_tokens: 1 } })}${end}`
      const said = event([{ index: 0, delta: { content: 'hi' }, finish_reason: 'stop' }])
      const last = 'data: [DONE]' // without a line end
      world.upstream.next((response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(said + event([]) + last))
      expect(await (await world.chat(fresh(), { ...user('hello'), stream: true })).text()).toBe(said + last)
    }
  })

  test('an upstream that points elsewhere is not followed [OAI-20]', async () => {
    const asked = world.upstream.bodies.length
    world.upstream.next((response) => void response.writeHead(307, { location: `${world.upstream.url}/chat/completions` }).end())
    expect((await world.chat(fresh(), user('hello'))).status).toBe(503)
    expect(world.upstream.bodies.length).toBe(asked + 1)
  })

  test('a stream without an end of any event is cut at the bound, and held by nobody [GW-11]', async () => {
    const name = fresh()
    world.upstream.next((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const more = () => {
        while (response.write('data: '.padEnd(2 ** 18, 'x'))) if (response.destroyed) return
        response.once('drain', more)
      }
      more()
    })
    const text = await (await world.chat(name, { ...user('hello'), stream: true })).text()
    expect(text.length).toBeLessThan(limits.upstreamReplyBytes + 2 ** 20)
    expect(text).toContain('"code":"unavailable"')
    expect(await world.isFree(name)).toBe(true)
  })

  test('a stream that ends without its end is incomplete too [OAI-16]', async () => {
    const name = fresh()
    world.upstream.next((response, body) => {
      begins(response, body, [{ content: 'no more' }])
      response.end()
    })
    expect(await (await world.chat(name, { ...user('hello'), stream: true })).text()).toContain('"code":"unavailable"')
    expect(await world.said(name)).toEqual(['user: hello', 'assistant: no more (upstream)'])
  })

  test('one that cannot be reached is unavailable, and the message is kept [OAI-6]', async () => {
    const lost = await gatewayWorld()
    await lost.upstream.close()
    const reply = await lost.chat('s', user('hello'))
    expect([reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([503, 'unavailable'])
    expect(await lost.said('s')).toEqual(['user: hello'])
    await lost.close()
  })

  test('a reply of 10 MiB is relayed and stored; one over the bound is refused [GW-11]', async () => {
    const name = fresh()
    const long = 'x'.repeat(200_000)
    world.upstream.next((response, body) => answers({ content: long })(response, { ...body }))
    const reply = (await (await world.chat(name, user('hello'))).json()) as { choices: { message: { content: string } }[] }
    expect(reply.choices[0]?.message.content.length).toBe(200_000)
    const padded = (bytes: number): Step =>
      json(`{"pad":"${'x'.repeat(bytes)}","choices":[{"index":0,"message":{"role":"assistant","content":"large"}}]}`)
    world.upstream.next(padded(10 * 2 ** 20))
    const [fits, over] = [fresh(), fresh()]
    const large = await world.chat(fits, user('hello'))
    expect([large.status, (await large.text()).length > 10 * 2 ** 20]).toEqual([200, true])
    expect(await world.said(fits)).toEqual(['user: hello', 'assistant: large'])
    world.upstream.next(padded(limits.upstreamReplyBytes))
    const refused = await world.chat(over, user('hello'))
    expect([refused.status, (await refused.json()) as object]).toEqual([503, { error: expect.objectContaining({ code: 'unavailable' }) }])
    expect(await world.isFree(over)).toBe(true)
  })
})

/** Lets the clock run until the work is done: each turn of the loop is two minutes. */
async function hurried<T extends object | string>(clock: ReturnType<typeof manualClock>, work: Promise<T>): Promise<T> {
  for (;;) {
    const done = await Promise.race([work, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))])
    if (done !== undefined) return done
    clock.advance(limits.upstreamSilenceMs)
  }
}

describe('an upstream that keeps silent', () => {
  test.each<[string, boolean, Step]>([
    ['before its headers', false, () => {}],
    ['in the middle of a reply', false, (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{')],
    ['before its stream', true, () => {}],
  ])('%s: timeout after 120 s without a byte, and it is let go [GW-11]', async (_, stream, step) => {
    const clock = manualClock(Date.now())
    const slow = await gatewayWorld({ clock })
    slow.upstream.next(step)
    const reply = await hurried(clock, slow.chat('s', { ...user('hello'), stream }))
    expect([reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([504, 'timeout'])
    expect(await slow.said('s')).toEqual(['user: hello'])
    expect(await slow.isFree('s')).toBe(true)
    await slow.close()
  })

  test.each([false, true])('in the middle of a reply that only passes (stream: %s): it is cut after 120 s [GW-11]', async (stream) => {
    const clock = manualClock(Date.now())
    const slow = await gatewayWorld({ clock })
    slow.upstream.next((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'))
    const reply = await slow.chat('s', { ...user('hello'), stream }, { 'recollect-mode': 'off' })
    const ended = await hurried(
      clock,
      reply.text().then(
        () => 'whole',
        () => 'cut',
      ),
    )
    expect(ended).toBe('cut')
    await expect.poll(() => slow.upstream.left).toBe(1)
    await slow.close()
  })

  test('in the middle of a stream: an error event, and what had arrived is stored [GW-11, OAI-16]', async () => {
    const clock = manualClock(Date.now())
    const slow = await gatewayWorld({ clock })
    slow.upstream.next((response, body) => begins(response, body, [{ content: 'then nothing' }]))
    const reply = await slow.chat('s', { ...user('hello'), stream: true })
    expect(await hurried(clock, reply.text())).toContain('"code":"timeout"')
    expect(await slow.said('s')).toEqual(['user: hello', expect.stringMatching(/^assistant: .*\(upstream\)$/)])
    await expect.poll(() => slow.upstream.left).toBe(1)
    expect(await slow.isFree('s')).toBe(true)
    await slow.close()
  })

  test('one that sends a byte now and then has ten minutes in all [GW-11]', async () => {
    const clock = manualClock(Date.now())
    const slow = await gatewayWorld({ clock })
    slow.upstream.next((response, body) => begins(response, body, [{ content: 'a' }]))
    const reply = await slow.chat('s', { ...user('hello'), stream: true })
    const began = clock.now()
    await hurried(clock, reply.text())
    expect(clock.now() - began).toBeLessThanOrEqual(limits.upstreamMs + 2 * limits.upstreamSilenceMs)
    await slow.close()
  })
})

/** Events without end, as fast as they are taken. */
const floods: Step = (response, body) => {
  const more = () => {
    while (!response.destroyed) {
      begins(response, body, [{ content: 'more ', padding: 'x'.repeat(20_000) }])
      if (response.writableNeedDrain) return void response.once('drain', more)
    }
  }
  more()
}

describe('a client that reads nothing', () => {
  test.each(['full', 'off'])('holds its place and its turn for ten minutes and no longer; mode %s [GW-11, OAI-16]', async (mode) => {
    const clock = manualClock(Date.now())
    const slow = await gatewayWorld({ clock })
    slow.upstream.next(floods)
    const reply = await slow.chat('s', { ...user('hello'), stream: true }, { 'recollect-mode': mode })
    clock.advance(limits.upstreamMs - 1)
    expect(slow.gateway.inFlight).toBe(1)
    clock.advance(1)
    await expect.poll(() => slow.gateway.inFlight).toBe(0)
    await expect.poll(() => slow.upstream.left).toBe(1)
    if (mode === 'full') {
      expect(await slow.said('s')).toEqual(['user: hello', expect.stringMatching(/^assistant: more .*\(upstream\)$/)])
      expect(await slow.isFree('s')).toBe(true)
      expect(await reply.text()).toContain('"code":"timeout"') // one that reads after all is told
    } else await expect(reply.text()).rejects.toThrow('the model upstream sent nothing for too long')
    await slow.close()
  })

  test('is cut by the server once its connection has been idle for long [GW-11]', async () => {
    const served = await serveGateway(world.gateway, { host: '127.0.0.1', port: 0, clock: systemClock, idleMs: 1_000 })
    const name = fresh()
    const before = world.upstream.left
    world.upstream.next(floods)
    const body = JSON.stringify({ model: 'm', stream: true, ...user('hello') })
    const client = connect(served.port, '127.0.0.1').pause()
    client.on('error', () => {}) // the cut
    client.write(
      `POST /s/${name}/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${world.key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await expect.poll(() => world.upstream.left).toBe(before + 1)
    await expect.poll(() => world.said(name)).toEqual(['user: hello', expect.stringMatching(/^assistant: more .*\(aborted\)$/)])
    client.destroy()
    await served.stop()
  })
})

test.each(['/v1/embeddings', '/v1/models'])('%s is counted while its upstream answers, and cut after 120 s of silence [GW-11]', async (path) => {
  const clock = manualClock(Date.now())
  const slow = await gatewayWorld({ clock })
  slow.upstream.next((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'))
  const reply = await slow.call(path.endsWith('models') ? 'GET' : 'POST', path, path.endsWith('models') ? undefined : { model: 'm', input: 'text' })
  expect(slow.gateway.inFlight).toBe(1)
  const ended = reply.text().catch((error: Error) => error.message)
  expect(await hurried(clock, ended)).toBe('the model upstream sent nothing for too long')
  expect(slow.gateway.inFlight).toBe(0)
  await slow.close()
})

describe('a client that goes away', () => {
  test('in the middle of a stream: the upstream is let go, what had arrived is stored [OAI-16]', async () => {
    const name = fresh()
    const before = world.upstream.left
    world.upstream.next((response, body) => begins(response, body, [{ content: 'heard ' }, { content: 'so far' }]))
    const stream = await world.openai(name).chat.completions.create({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] })
    let text = ''
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (text === 'heard so far') break
    }
    stream.controller.abort()
    await expect.poll(() => world.said(name)).toEqual(['user: hello', 'assistant: heard so far (aborted)'])
    await expect.poll(() => world.upstream.left).toBe(before + 1)
    expect(await world.isFree(name)).toBe(true)
  })

  test.each(['its signal', 'its reader'])('told by %s alone: what had arrived is stored, and the upstream is let go [OAI-16]', async (by) => {
    const name = fresh()
    const before = world.upstream.left
    world.upstream.next((response, body) => begins(response, body, [{ content: 'heard so far' }]))
    const gone = new AbortController()
    const reply = await world.gateway.fetch(
      new Request(`http://127.0.0.1/s/${name}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.key}`, 'content-type': 'application/json', host: '127.0.0.1' },
        body: JSON.stringify({ model: 'm', stream: true, ...user('hello') }),
        signal: gone.signal,
      }),
    )
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    if (by === 'its signal') gone.abort()
    else await reader.cancel()
    await expect.poll(() => world.said(name)).toEqual(['user: hello', 'assistant: heard so far (aborted)'])
    await expect.poll(() => world.upstream.left).toBe(before + 1)
    await expect.poll(() => world.isFree(name).catch(() => false)).toBe(true)
  })

  test('before the answer: the upstream is let go, the message stays, the turn is free [OAI-16]', async () => {
    const name = fresh()
    const before = world.upstream.left
    const asked = world.upstream.bodies.length
    world.upstream.next(() => {})
    const gone = new AbortController()
    const call = world.openai(name).chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }, { signal: gone.signal })
    await expect.poll(() => world.upstream.bodies.length).toBe(asked + 1)
    gone.abort()
    await expect(call).rejects.toThrow('aborted')
    await expect.poll(() => world.upstream.left).toBe(before + 1)
    expect(await world.said(name)).toEqual(['user: hello'])
    await expect.poll(() => world.isFree(name).catch(() => false)).toBe(true)
  })

  test('a retry of an answer that was cut goes on from what is stored, which stands once [OAI-10]', async () => {
    const name = fresh()
    world.upstream.next((response, body) => {
      begins(response, body, [{ content: 'half' }])
      response.end()
    })
    await (await world.chat(name, { ...user('hello'), stream: true })).text()
    world.upstream.next(says('whole'))
    const history = { messages: [...user('hello').messages, { role: 'assistant', content: 'half of it' }, { role: 'user', content: 'go on' }] }
    await (await world.chat(name, history)).text()
    expect(await world.said(name)).toEqual(['user: hello', 'assistant: half (upstream)', 'user: go on', 'assistant: whole'])
  })
})
