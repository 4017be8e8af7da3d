// The official `openai` package, unmodified, against the real gateway: it remembers within a session, across sessions and after a restart.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import OpenAI from 'openai'
import { expect } from '../expect.ts'
import { startUpstream } from './upstream.ts'

const upstream = await startUpstream((prompt) => (prompt.includes('Lisbon') ? 'You live in Lisbon.' : 'I do not know yet.'))
const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-'))
const dataDir = path.join(folder, 'data')
const port = await freePort()

let gateway = await startGateway()
const apiKey = gateway.key as string
expect('the first start shows a key once', apiKey.startsWith('rec_'))

const first = client('travel')
expect("it lists the upstream's models", (await first.models.list()).data[0]?.id === 'scripted')
expect('it says what it does not know', (await ask(first, 'Where do I live?')) === 'I do not know yet.')
await ask(first, 'I live in Lisbon.')
expect('it remembers within the session', (await ask(first, 'Where do I live?')) === 'You live in Lisbon.')
expect('the client sent one message; the model got the session', (upstream.asked.at(-1)?.messages.length ?? 0) > 3)

gateway = await restart()
expect('it remembers after a restart', (await ask(first, 'And where do I live, again?')) === 'You live in Lisbon.')
expect('it remembers in another session', (await ask(client('cooking'), 'Where do I live?')) === 'You live in Lisbon.')
expect('nothing of ours went upstream', !JSON.stringify([upstream.asked, upstream.headers]).includes('rec_'))

await stop()
await upstream.close()
await rm(folder, { recursive: true, force: true })

function client(session: string): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${port}/s/${session}/v1`, apiKey, maxRetries: 0 })
}

async function ask(openai: OpenAI, content: string): Promise<string> {
  const stream = await openai.chat.completions.create({ model: 'scripted', stream: true, messages: [{ role: 'user', content }] })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  return text
}

/** `recollect serve`, as `npm start` runs it; the key is what its first start prints. */
async function startGateway(): Promise<{ process: ChildProcess; key?: string }> {
  const env = { ...process.env, RECOLLECT_DATA_DIR: dataDir, RECOLLECT_GATEWAY_PORT: String(port), RECOLLECT_UPSTREAM_URL: upstream.url }
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../dist/bin.js'), 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill()) // a failed check leaves no gateway behind
  let said = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    said += String(chunk)
    if (/dry-run.*\n$/.test(said)) break // its last line: what stands before it, the key among it, is whole
  }
  child.stdout.resume()
  if (child.exitCode !== null) throw new Error('the gateway ended before it was ready')
  const key = /rec_[a-z0-9_]+/.exec(said)?.[0]
  return key === undefined ? { process: child } : { process: child, key }
}

async function stop(): Promise<void> {
  const ended = once(gateway.process, 'close')
  gateway.process.kill('SIGTERM')
  expect('the gateway ends well', (await ended)[0] === 0)
}

async function restart() {
  await stop()
  return startGateway()
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
