// A SQLite store in a process of its own, behind messages. Run as a program it is that process; imported, it starts one.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RecollectError, type ErrorCode } from '../../src/core/errors.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'

interface Call {
  readonly number: number
  readonly method: keyof LogStore
  readonly args: unknown[]
  readonly now: number
}
type Reply = { readonly number: number } & ({ readonly value: unknown } | { readonly error: { code: ErrorCode; message: string; nextStep: string } })

/** Node 22 strips types only when asked to. */
export const typeStripping = Number(process.versions.node.split('.')[0]) < 24 ? ['--experimental-strip-types', '--no-warnings'] : []

/** Each call carries the time, so that both processes have the caller's clock. `close` ends the process. */
export async function storeInProcess(file: string, clock: Pick<Clock, 'now'>): Promise<LogStore> {
  const child = fork(fileURLToPath(import.meta.url), [file], { serialization: 'advanced', execArgv: typeStripping })
  const waiting = new Map<number, (reply: Reply) => void>()
  let calls = 0
  child.on('message', (reply: Reply) => {
    waiting.get(reply.number)?.(reply)
    waiting.delete(reply.number)
  })

  const call = (method: keyof LogStore, ...args: unknown[]) =>
    new Promise<never>((resolve, reject) => {
      const number = ++calls
      waiting.set(number, (reply) => {
        if ('value' in reply) resolve(reply.value as never)
        else reject(new RecollectError(reply.error.code, reply.error.message, reply.error.nextStep))
      })
      child.send({ number, method, args, now: clock.now() } satisfies Call)
    })

  return {
    info: { name: 'sqlite', durable: true, shared: true },
    open: (...args) => call('open', ...args),
    head: (...args) => call('head', ...args),
    append: (...args) => call('append', ...args),
    read: (...args) => call('read', ...args),
    updateHead: (...args) => call('updateHead', ...args),
    rewrite: (...args) => call('rewrite', ...args),
    saveSnapshot: (...args) => call('saveSnapshot', ...args),
    loadSnapshot: (...args) => call('loadSnapshot', ...args),
    list: ({ tenantId, ownerId }, ...rest) => call('list', { tenantId, ownerId }, ...rest),
    expired: (...args) => call('expired', ...args),
    owners: (...args) => call('owners', ...args),
    lease: (...args) => call('lease', ...args),
    renew: (...args) => call('renew', ...args),
    release: (...args) => call('release', ...args),
    delete: (...args) => call('delete', ...args),
    erase: ({ tenantId, ownerId }) => call('erase', { tenantId, ownerId }),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      await call('close')
      child.disconnect()
      await ended
    },
  }
}

async function serve(file: string): Promise<void> {
  let now = 0
  const opening = sqliteStore({ path: file, clock: { now: () => now } })
  process.on('message', (call: Call) => {
    now = call.now
    void opening.then(async (store) => process.send?.(await answered(store, call)))
  })
}

async function answered(store: LogStore, { number, method, args }: Call): Promise<Reply> {
  try {
    return { number, value: await (store[method] as (...args: unknown[]) => Promise<unknown>)(...args) }
  } catch (error) {
    const { code, message, nextStep } = error as RecollectError
    return { number, error: { code, message, nextStep } }
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2] as string)
