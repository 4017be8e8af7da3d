// A chat turn through the gateway, as the official client and plain requests take it: what goes upstream, what comes back, what is kept.
import { afterAll, describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { spansOf } from '../../src/core/message.ts'
import { recordingTelemetry } from '../../src/testing/index.ts'
import { gatewayWorld, user } from './gateway-world.ts'
import { answers, begins, says, usage } from './scripted-upstream.ts'

const world = await gatewayWorld()
afterAll(() => world.close())

const { fresh } = world
const sent = () => world.upstream.bodies.at(-1) as JsonObject & { messages: { role: string; content: Json }[] }
const say = async (session: string, content: string) => (await world.chat(session, user(content))).text()

describe('modes', () => {
  test('record stores, and sends what the client sent as it came [OAI-5]', async () => {
    const name = fresh()
    await say(name, 'before')
    await (await world.chat(name, user('only this'), { 'recollect-mode': 'record' })).text()
    expect(sent().messages).toEqual(user('only this').messages)
    expect(await world.said(name)).toEqual(['user: before', 'assistant: ok', 'user: only this', 'assistant: ok'])
  })

  test('off passes the request and the reply, and stores nothing [OAI-5]', async () => {
    const name = fresh()
    const body = { ...user('hello'), seed: 7 }
    const reply = await world.chat(name, body, { 'recollect-mode': 'off' })
    expect(reply.headers.get('recollect-session')).toBe('none')
    expect(sent()).toEqual({ model: 'm', ...body })
    await expect(world.session(name)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('an answer with nothing in it is no message, and no fault [OAI-6]', async () => {
    const name = fresh()
    const telemetry = recordingTelemetry()
    const own = await gatewayWorld({ telemetry })
    own.upstream.next(answers({}))
    await (await own.chat(name, user('hello'))).text()
    expect([await own.said(name), telemetry.lines.filter(({ level }) => level === 'error')]).toEqual([['user: hello'], []])
    await own.close()
  })

  test('a word that is no mode is refused, and nothing is stored [OAI-5]', async () => {
    const name = fresh()
    expect((await world.chat(name, user('hello'), { 'recollect-mode': 'some' })).status).toBe(400)
    await expect(world.session(name)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('where requests without a session are refused, the answer names both ways [OAI-4]', async () => {
    const strict = await gatewayWorld({ withoutSession: 'refuse' })
    const reply = await strict.call('POST', '/v1/chat/completions', { model: 'm', ...user('hello') })
    const { error } = (await reply.json()) as { error: { message: string } }
    expect([reply.status, error.message]).toEqual([400, expect.stringContaining('/s/{sessionId}/v1')])
    expect(error.message).toContain('recollect-session')
    const passed = await strict.call('POST', '/v1/chat/completions', { model: 'm', ...user('hello') }, { 'recollect-mode': 'off' })
    expect([passed.status, await passed.text()]).toEqual([200, expect.stringContaining('choices')])
    await strict.close()
  })

  test('the headers that name a session are a setting [OAI-2]', async () => {
    const own = await gatewayWorld({ sessionHeaders: ['x-mine'] })
    const named = async (header: string) => {
      const reply = await own.call('POST', '/v1/chat/completions', { model: 'm', ...user('hello') }, { [header]: 's' })
      await reply.text() // an answer that nobody reads would hold the end back
      return reply.headers.get('recollect-session')
    }
    expect(await named('x-claude-code-session-id')).toBe('none')
    expect(await named('x-mine')).toBe('s')
    await own.close()
  })

  test('what a key`s user text counts as holds for what is stored [OAI-6, POI-1]', async () => {
    const name = fresh()
    const { secret } = await world.recollect.credentials.create('default', { name: 'app', ownerId: 'alice', roles: ['owner'], userText: 'paste' })
    await (await world.chat(name, user('hello'), { authorization: `Bearer ${secret}` })).text()
    const [said] = (await (await world.session(name)).messages()).items
    expect(spansOf(said?.message.parts ?? []).map(({ origin }) => origin)).toEqual(['paste'])
  })
})

describe('what goes upstream', () => {
  test("the request's own fields pass, names of sessions do not, storing is off [OAI-12, OAI-13]", async () => {
    const tools = [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } } }]
    const extra = {
      temperature: 0.5,
      response_format: { type: 'json_object' },
      tools,
      tool_choice: 'auto',
      metadata: { a: 'b' },
      a_new_field: { x: [1] },
    }
    const named = { session_id: 'other', litellm_session_id: 'other', recollect_anything: 1, store: true }
    for (const more of [{ conversation: 'other' }, { conversation: { id: 'other' } }, { previous_response_id: 'resp_other' }]) {
      await (await world.chat(fresh(), { ...user('hello'), ...extra, ...named, ...more })).text()
      const { messages, prompt_cache_key, ...rest } = sent()
      expect(messages).toEqual(user('hello').messages)
      expect(rest).toEqual({ model: 'm', ...extra, store: false })
      expect(prompt_cache_key).toBeUndefined() // the scripted upstream is not one that takes it
    }
  })

  test('a context key goes to an upstream that takes it, unless the client gave its own [OAI-13]', async () => {
    const keyed = await gatewayWorld()
    const { url } = keyed.upstream
    const gateway = await gatewayWorld({ upstream: { name: 'scripted', baseUrl: url, cacheKey: true } })
    await (await gateway.chat('s', user('one'))).text()
    await (await gateway.chat('s', { ...user('two'), prompt_cache_key: 'mine' })).text()
    const keys = keyed.upstream.bodies.map((body) => body['prompt_cache_key'])
    expect(keys).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{22}$/), 'mine'])
    await gateway.close()
    await keyed.close()
  })

  test('leading system messages go first, unchanged, and are not of the log [OAI-12]', async () => {
    const name = fresh()
    const leading = [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Use metres.' }] },
    ]
    await (await world.chat(name, { messages: [...leading, { role: 'user', content: 'one' }] })).text()
    await (await world.chat(name, { messages: [...leading, { role: 'user', content: 'two' }] })).text()
    expect(sent().messages.slice(0, 2)).toEqual(leading)
    expect(sent().messages.map(({ role }) => role)).toEqual(['system', 'developer', 'user', 'assistant', 'user'])
    expect(await world.said(name)).toEqual(['user: one', 'assistant: ok', 'user: two', 'assistant: ok'])
  })

  test('they and the tools count against the budget; a change of them begins an epoch [OAI-12]', async () => {
    const name = fresh()
    const tool = (description: string) => ({ type: 'function', function: { name: 'look', description, parameters: {} } })
    const ask = async (system: string, description: string) => {
      const reply = await world.chat(name, { messages: [{ role: 'system', content: system }, ...user('go on').messages], tools: [tool(description)] })
      const { receipt } = await (await world.session(name)).receipts.get(reply.headers.get('recollect-receipt') as string)
      const tokens = (of: string) => receipt.parts.filter((part) => part.class === of).reduce((sum, part) => sum + part.tokens, 0)
      return [receipt.epoch.cause, tokens('system') > 0, tokens('tools') > 0]
    }
    expect(await ask('Be brief.', 'Looks.')).toEqual(['first', true, true])
    expect(await ask('Be brief.', 'Looks.')).toEqual(['first', true, true])
    expect(await ask('Be long.', 'Looks.')).toEqual(['system', true, true])
    expect(await ask('Be long.', 'Looks around.')).toEqual(['tools', true, true])
  })

  test('images and structured answers go through, and come again with the history [OAI-13]', async () => {
    const name = fresh()
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }
    const content = [{ type: 'text', text: 'What is this?' }, picture]
    world.upstream.next(says('{"colour":"red"}'))
    await (await world.chat(name, { ...user(content), response_format: { type: 'json_schema', json_schema: { name: 'c', schema: {} } } })).text()
    expect(sent().messages).toEqual([{ role: 'user', content }])
    await say(name, 'and now?')
    expect(sent().messages).toEqual([
      { role: 'user', content },
      { role: 'assistant', content: '{"colour":"red"}' },
      { role: 'user', content: 'and now?' },
    ])
  })

  test('what the engine does not read goes through and comes again, also for a model that nobody knows [OAI-13, LOW-4]', async () => {
    const name = fresh()
    const asked = [
      { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } }] },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://pictures.example/1.png', detail: 'high' } }] },
      { role: 'assistant', tool_calls: [{ id: 'c1', type: 'custom', custom: { name: 'sql', input: 'select 1' } }] },
      { role: 'tool', tool_call_id: 'c1', content: '1' },
    ]
    await (await world.chat(name, { messages: asked })).text()
    expect(sent().messages).toEqual(asked)
    await say(name, 'go on')
    expect(sent().messages.slice(0, 5)).toEqual(asked)
  })

  test('who speaks is told, also where a provider takes no neighbours of one role [OAI-13, RULE-1]', async () => {
    const asked = [
      { role: 'user', name: 'Ann', content: 'hi' },
      { role: 'user', name: 'Bob', content: 'hello' },
      { role: 'user', content: 'all' },
    ]
    await (await world.chat(fresh(), { messages: asked })).text()
    const content = ['hi', '[Bob] ', 'hello', '[user] ', 'all'].map((text) => ({ type: 'text', text }))
    expect(sent().messages).toEqual([{ role: 'user', name: 'Ann', content }])
    await (await world.chat(fresh(), { messages: asked, model: 'gpt-4o' })).text()
    expect(sent().messages).toEqual(asked)
  })

  test('fields that hold no list of tools are for the upstream to refuse [OAI-13]', async () => {
    for (const tools of [null, [5], 'x', {}]) {
      const reply = await world.chat(fresh(), { ...user('hello'), tools })
      expect([reply.status, sent()['tools']]).toEqual([200, tools])
    }
  })

  test('headers pass by the list; ours and the client library`s stay here [OAI-21]', async () => {
    await (
      await world.chat(fresh(), user('hello'), {
        'openai-organization': 'org',
        'openai-project': 'project',
        'openai-beta': 'beta',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'x-stainless-retry-count': '1',
        'recollect-turn': 'wait',
        cookie: 'a=b',
        'x-other': 'no',
      })
    ).text()
    const headers = world.upstream.headers.at(-1) ?? {}
    expect([headers['openai-organization'], headers['openai-project'], headers['openai-beta'], headers['traceparent']]).toEqual([
      'org',
      'project',
      'beta',
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ])
    expect(Object.keys(headers).filter((name) => /^x-stainless|^recollect|^cookie$|^x-other$|^authorization$/.test(name))).toEqual([])
  })

  test("the upstream's own key goes there, with the headers that are configured, and the context's key to OpenAI itself [OAI-13, OAI-20, OAI-21]", async () => {
    const calls: [string, Headers, JsonObject][] = []
    const own = await gatewayWorld({
      upstream: { name: 'openai', baseUrl: 'https://api.openai.com/v1/', apiKey: 'sk-upstream', forwardHeaders: ['x-team'] },
      fetch: async (url, init) => {
        calls.push([String(url), new Headers(init?.headers), JSON.parse(String(init?.body)) as JsonObject])
        return Response.json({ choices: [{ index: 0, message: { role: 'assistant', content: 'ok' } }] })
      },
    })
    await (await own.chat('s', user('hello'), { 'x-team': 'blue', accept: 'application/json, text/plain' })).text()
    const [[url, headers, body]] = calls as [[string, Headers, JsonObject]]
    expect([url, body['prompt_cache_key']]).toEqual(['https://api.openai.com/v1/chat/completions', expect.stringMatching(/^[A-Za-z0-9_-]{22}$/)])
    expect([headers.get('authorization'), headers.get('x-team'), headers.get('accept')]).toEqual([
      'Bearer sk-upstream',
      'blue',
      'application/json, text/plain',
    ])
    await own.close()
  })

  test("with the caller's credentials its key goes upstream, and ours stands in a header of its own [OAI-20]", async () => {
    const own = await gatewayWorld({ credentials: 'caller' })
    const reply = await own.chat('s', user('hello'), { authorization: 'Bearer sk-theirs', 'recollect-key': own.key })
    expect(reply.status).toBe(200)
    expect(own.upstream.headers.at(-1)?.authorization).toBe('Bearer sk-theirs')
    // A client that has only one key gives it twice: that is refused, and nothing leaves.
    const twice = await own.chat('s', user('again'), { authorization: `Bearer ${own.key}`, 'recollect-key': own.key })
    expect([twice.status, (await twice.text()).includes(own.key)]).toEqual([400, false])
    expect([own.upstream.headers.length, await own.said('s')]).toEqual([1, ['user: hello', 'assistant: ok']])
    expect(JSON.stringify([own.upstream.headers, own.upstream.bodies])).not.toContain('rec_')
    await own.close()
  })
})

describe('what comes back', () => {
  test('headers tell the session, the mode, the receipt and the tokens [OAI-21]', async () => {
    const name = `grüße 世界 ${fresh()}`
    const reply = await world.chat(name, user('hello'))
    expect(decodeURIComponent(reply.headers.get('recollect-session') ?? '')).toBe(name)
    const of = (header: string) => reply.headers.get(header)
    expect([of('recollect-mode'), of('recollect-recalled'), of('recollect-context-tokens')]).toEqual(['full', '0', expect.stringMatching(/^\d+$/)])
    const { receipt } = await (await world.session(name)).receipts.get(of('recollect-receipt') as string)
    expect(receipt.upTo).toBe(1)
    // Sent back as it came, the header names the same session.
    await (
      await world.call('POST', '/v1/chat/completions', { model: 'm', ...user('again') }, { 'recollect-session': of('recollect-session') as string })
    ).text()
    expect((await world.said(name)).length).toBe(4)
  })

  test('the usage is the upstream`s, passed unchanged and kept beside the receipt [OAI-17]', async () => {
    const name = fresh()
    const reply = await world.chat(name, user('hello'))
    expect(((await reply.json()) as JsonObject)['usage']).toEqual(usage)
    const kept = await (await world.session(name)).receipts.get(reply.headers.get('recollect-receipt') as string)
    expect(kept.usage?.billed).toEqual({ inputTokens: 100, outputTokens: 10, cacheReadTokens: 64 })
    world.upstream.next((response) => void response.end(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'x' } }] })))
    const untold = await world.chat(name, user('more'))
    await untold.text()
    expect((await (await world.session(name)).receipts.get(untold.headers.get('recollect-receipt') as string)).usage?.billed).toBeNull()
  })

  test('a stream passes byte for byte; the usage event only if it was asked for [OAI-15]', async () => {
    const name = fresh()
    const plain = await (await world.chat(name, { ...user('one'), stream: true })).text()
    const full = await (await world.chat(name, { ...user('two'), stream: true, stream_options: { include_usage: true } })).text()
    expect(plain).not.toContain('"usage"')
    expect(full).toContain(`"usage":${JSON.stringify(usage)}`)
    expect(full.replace(/data: [^\n]*"choices":\[\][^\n]*\n\n/, '')).toBe(plain)
    expect(sent()['stream_options']).toEqual({ include_usage: true })
    const more = await (await world.chat(name, { ...user('three'), stream: true, stream_options: { include_obfuscation: false } })).text()
    expect([more, sent()['stream_options']]).toEqual([plain, { include_obfuscation: false, include_usage: true }])
  })

  test('a stream waits for no length, so that its first piece leaves at once, however short it is [OAI-15]', async () => {
    const headers = { authorization: `Bearer ${world.key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'm', ...user('hello'), stream: true })
    const reply = await fetch(`${world.url}/s/${fresh()}/v1/chat/completions`, { method: 'POST', headers, body })
    expect([reply.headers.get('transfer-encoding'), reply.headers.get('content-length')]).toEqual(['chunked', null])
    expect(await reply.text()).toContain('[DONE]')
  })

  test('a piece is relayed before the next one comes, and the answer is stored before the connection closes [OAI-15]', async () => {
    const name = fresh()
    let goOn = () => {}
    world.upstream.next((response, body) => {
      begins(response, body, [{ content: 'first' }])
      goOn = () => answers({ content: ' second' })(response, body)
    })
    const reply = await world.chat(name, { ...user('hello'), stream: true })
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toContain('first')
    goOn()
    while (!(await reader.read()).done);
    expect((await world.said(name)).at(-1)).toBe('assistant: first second')
  })

  test('tool calls, streamed and not, are stored and go on with their results [OAI-12]', async () => {
    for (const stream of [false, true]) {
      const name = fresh()
      const calls = ['a', 'b'].map((id) => ({ id: `call_${id}`, type: 'function' as const, function: { name: 'look', arguments: `{"at":"${id}"}` } }))
      world.upstream.next(answers({ tool_calls: calls }, 'tool_calls'))
      const openai = world.openai(name)
      const tools = [{ type: 'function' as const, function: { name: 'look', parameters: {} } }]
      const asked = { model: 'm', tools, messages: [{ role: 'user' as const, content: 'look twice' }] }
      if (stream) for await (const chunk of await openai.chat.completions.create({ ...asked, stream })) void chunk
      else await openai.chat.completions.create(asked)
      await openai.chat.completions.create({
        model: 'm',
        tools,
        messages: calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: `saw ${id}` })),
      })
      expect(sent().messages).toEqual([
        { role: 'user', content: 'look twice' },
        { role: 'assistant', tool_calls: calls },
        { role: 'tool', tool_call_id: 'call_a', content: 'saw call_a' },
        { role: 'tool', tool_call_id: 'call_b', content: 'saw call_b' },
      ])
    }
  })

  test('of several choices the first is stored [OAI-12]', async () => {
    const name = fresh()
    const choice = (index: number) => ({ index, message: { role: 'assistant', content: `choice ${index}` }, finish_reason: 'stop' })
    world.upstream.next((response) => void response.end(JSON.stringify({ choices: [choice(1), choice(0)], usage })))
    await (await world.chat(name, { ...user('hello'), n: 2 })).text()
    expect(await world.said(name)).toEqual(['user: hello', 'assistant: choice 0'])
  })
})

test('the bodies that go upstream over 50 turns grow at their end only, within each epoch [OAI-13, EPO-1]', async () => {
  const name = fresh()
  const from = world.upstream.bodies.length
  const system = { role: 'system', content: 'Answer in one line.' }
  const epochs: number[] = []
  for (let turn = 0; turn < 50; turn++) {
    const stream = turn % 3 === 0
    const withTools = turn % 5 === 4
    const call = { id: `call_${turn}`, type: 'function' as const, function: { name: 'look', arguments: '{}' } }
    if (withTools) world.upstream.next(answers({ tool_calls: [call] }, 'tool_calls'))
    const question = { role: 'user', content: `turn ${turn}: ${'words that fill the context, one after another. '.repeat(20)}` }
    const ask = async (messages: readonly JsonObject[]) => {
      const reply = await world.chat(name, { messages: [system, ...messages], stream })
      await reply.text()
      const { receipt } = await (await world.session(name)).receipts.get(reply.headers.get('recollect-receipt') as string)
      epochs.push(receipt.epoch.no)
    }
    await ask([question])
    if (withTools) await ask([{ role: 'tool', tool_call_id: call.id, content: 'seen' }])
  }
  const prompts = world.upstream.bodies.slice(from).map((body) => JSON.stringify(body['messages']).slice(0, -1))
  expect(prompts.length).toBe(60)
  const broken = prompts.flatMap((prompt, i) => (i > 0 && epochs[i] === epochs[i - 1] && !prompt.startsWith(prompts[i - 1] as string) ? [i] : []))
  expect(broken).toEqual([])
  expect(new Set(epochs).size).toBeLessThan(6)
})
