// The driver in a worker thread, behind messages: no commit blocks the caller's loop (SQL-9). Each call carries the time of the caller's clock.
// oxlint-disable unicorn/require-post-message-target-origin -- that is for windows; a thread has no origin
import { Worker } from 'node:worker_threads'
import { RecollectError, type ErrorCode, type ErrorOptions } from '../../core/errors.ts'
import { runningCalls } from '../../core/running-calls.ts'
import { checkInput, type StoreCall } from '../check-input.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { Driver, DriverOptions } from './driver.ts'
import { storeFailed } from '../store-errors.ts'

export type ThreadCall = StoreCall | 'emptyWal' | 'close'
export interface Question {
  readonly number: number
  readonly call: ThreadCall
  readonly args: readonly unknown[]
  readonly now: number
}
export type Answer = { readonly number: number } & ({ readonly value: unknown } | { readonly error: PlainError })
export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly nextStep: string
  readonly options: ErrorOptions
}
/** What the thread is started with; its first answer, number 0, says whether the file was opened. */
export type Start = { readonly file: string; readonly synchronous: DriverOptions['synchronous']; readonly now: number }

export async function driverInThread(file: string, { clock, synchronous }: Pick<DriverOptions, 'clock' | 'synchronous'>): Promise<Driver> {
  // The same ending as this file: .ts from source, .js from the package.
  const program = new URL(import.meta.url.endsWith('.ts') ? './driver-worker.ts' : './driver-worker.js', import.meta.url)
  const thread = new Worker(program, { workerData: { file, synchronous, now: clock.now() } satisfies Start })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>()
  const calls = runningCalls()
  let asked = 0

  const opened = new Promise<void>((resolve, reject) => waiting.set(0, { resolve, reject }))
  thread.on('message', (answer: Answer) => {
    const one = waiting.get(answer.number)
    waiting.delete(answer.number)
    if (waiting.size === 0) thread.unref() // a store that nobody waits for does not keep the process alive
    if ('value' in answer) one?.resolve(answer.value as never)
    else one?.reject(new RecollectError(answer.error.code, answer.error.message, answer.error.nextStep, answer.error.options))
  })
  thread.on('error', (error) => {
    for (const one of waiting.values()) one.reject(storeFailed(error))
    waiting.clear()
  })

  const ask = (call: ThreadCall, args: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      waiting.set(++asked, { resolve, reject })
      thread.ref()
      thread.postMessage({ number: asked, call, args: args.map(plain), now: clock.now() } satisfies Question)
    })
  const checked =
    <M extends StoreCall>(method: M) =>
    async (...args: Parameters<LogStore[M]>): Promise<Awaited<ReturnType<LogStore[M]>>> => {
      checkInput(method, args)
      return calls.run(() => ask(method, args))
    }

  await opened
  return {
    info: { name: 'sqlite', durable: synchronous === 'full', shared: true },
    open: checked('open'),
    head: checked('head'),
    append: checked('append'),
    read: checked('read'),
    updateHead: checked('updateHead'),
    rewrite: checked('rewrite'),
    saveSnapshot: checked('saveSnapshot'),
    loadSnapshot: checked('loadSnapshot'),
    list: checked('list'),
    expired: checked('expired'),
    owners: checked('owners'),
    lease: checked('lease'),
    renew: checked('renew'),
    release: checked('release'),
    delete: checked('delete'),
    erase: checked('erase'),
    emptyWal: () => calls.run(() => ask('emptyWal', [])),
    close: () =>
      calls.close(async () => {
        const ended = new Promise((resolve) => thread.once('exit', resolve))
        await ask('close', [])
        thread.ref()
        await ended
      }),
  }
}

/** Plain data for a message: bytes alone, not the buffer they are a view of; a scope as its two names. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const { tenantId, ownerId } = value as { tenantId?: unknown; ownerId?: unknown } // of a scope these are no fields of its own
  const names = typeof tenantId === 'string' && typeof ownerId === 'string' ? { tenantId, ownerId } : {}
  return { ...Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)])), ...names }
}
