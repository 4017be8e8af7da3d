// The thread that holds the driver for driver-thread.ts: opens it, answers each question, ends after `close` (SQL-9).
// oxlint-disable unicorn/require-post-message-target-origin -- that is for windows; a thread has no origin
import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { isRecollectError } from '../../core/errors.ts'
import { storeFailed } from '../store-errors.ts'
import { openDriver, type Driver } from './driver.ts'
import type { Answer, PlainError, Question, Start } from './driver-thread.ts'

const start = workerData as Start
let now = start.now

const answer = (message: Answer): void => parentPort?.postMessage(message)

function plainError(error: unknown): PlainError {
  const { code, message, nextStep, limit, given, details, cause } = isRecollectError(error) ? error : storeFailed(error)
  const numbers = { ...(limit !== undefined && { limit }), ...(given !== undefined && { given }), ...(details !== undefined && { details }) }
  return { code, message, nextStep, options: { ...numbers, ...(cause !== undefined && { cause: String(cause) }) } }
}

async function serve(driver: Driver, { number, call, args }: Question): Promise<void> {
  try {
    answer({ number, value: await (driver[call] as (...args: unknown[]) => Promise<unknown>)(...args) })
  } catch (error) {
    answer({ number, error: plainError(error) })
  }
  if (call === 'close') parentPort?.close()
}

const options = { clock: { now: () => now }, random: randomBytes, synchronous: start.synchronous }
await openDriver(start.file, options).then(
  (driver) => {
    parentPort?.on('message', (question: Question) => {
      now = question.now
      void serve(driver, question)
    })
    answer({ number: 0, value: undefined })
  },
  (error: unknown) => {
    answer({ number: 0, error: plainError(error) })
    parentPort?.close()
  },
)
