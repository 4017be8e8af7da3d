// When the WAL is moved into the file: little by little under load, whole when idle and after bytes must be gone (SQL-7, SQL-10).
import { statSync } from 'node:fs'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { Checkpoint, Checkpointer, Mode, Order } from './checkpoint.ts'
import { pageBytes } from './open-database.ts'
import { isBusy, isFailedFlush } from './sqlite-errors.ts'
import { pause, realMs } from './waiting.ts'

export interface Checkpoints {
  /** After each commit: so many writes with so many bytes of bodies. */
  wrote(writes: number, bytes: number): void
  /** Why no more may be written: a reader holds a WAL that would fill the disk. */
  refusal(): RecollectError | undefined
  /** Empties the WAL; false if a reader held it for longer than SQL-10 allows. */
  empty(): Promise<boolean>
  /** Empties the WAL, and writes a file of moderate size anew: pages that SQLite once rearranged hold old copies of rows in their slack, which secure_delete does not reach. */
  scour(): Promise<boolean>
  /** Empties the WAL soon: several calls share one run. */
  emptySoon(): void
  close(): Promise<void>
}

export interface CheckpointParts {
  readonly file: string
  readonly checkpointer: Checkpointer
  /** True while this process holds the lease `checkpoint`. */
  readonly onDuty: () => Promise<boolean>
  readonly offDuty: () => Promise<void>
  /** A checkpoint could not flush (DRV-6). */
  readonly failed: (error: unknown) => void
}

/** What to do next, by what the last look found. Pure. */
export function nextMode({ walBytes, leftBytes }: Pick<Checkpoint, 'walBytes' | 'leftBytes'>, fileBytes: number): Mode | undefined {
  if (fileBytes > limits.walRefuseBytes) return 'truncate'
  if (walBytes >= limits.walRestartBytes) return 'restart'
  return leftBytes > limits.walPassiveBytes ? 'passive' : undefined
}

// A write dirties at least a page of entries, one of the index, one of heads.
const pagesAWrite = 3

export function createCheckpoints({ file, checkpointer, onDuty, offDuty, failed }: CheckpointParts): Checkpoints {
  let left = 0 // bytes written since all was in the file; an estimate between looks
  let moving: Promise<void> | undefined
  let emptying: Promise<boolean> | undefined
  let queued: Promise<boolean> | undefined
  let soon: NodeJS.Timeout | undefined
  let idle: NodeJS.Timeout | undefined
  let lastWrite = 0
  let lastLook = 0
  let lastSize = 0
  let closed = false
  let ended = false

  const walSize = () => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0

  async function run(order: Order): Promise<Checkpoint | undefined> {
    if (ended) return undefined
    try {
      const found = await checkpointer.run(order)
      left = found.leftBytes
      return found
    } catch (error) {
      if (!isBusy(error) && isFailedFlush(error)) failed(error)
      return undefined // the next look tries again
    }
  }

  /** Under the lease, until the WAL is short. */
  async function move(): Promise<void> {
    for (;;) {
      if (closed || left <= limits.walPassiveBytes) break
      if (!(await onDuty())) {
        await pause(limits.checkpointRetryMs)
        continue
      }
      const found = await run('passive')
      const next = found === undefined ? undefined : nextMode(found, walSize())
      if (next !== undefined && next !== 'passive') await run(next)
      await pause(limits.checkpointEveryMs)
    }
    await offDuty()
  }

  /** Runs the order until `reached`, or for the time SQL-10 gives. */
  async function tryFor(order: Order, reached: (found: Checkpoint | undefined) => boolean): Promise<boolean> {
    const began = realMs()
    for (;;) {
      if (reached(await run(order))) return true
      if (ended || realMs() - began >= limits.walEmptyMs) return false
      await pause(limits.lockRetryMsMost)
    }
  }

  // One run cannot answer for bytes written after it began: a call that comes during a run waits for the next, which it shares.
  function empty(): Promise<boolean> {
    queued ??= (emptying ?? Promise.resolve(true)).then(() => {
      queued = undefined
      return (emptying = tryFor('truncate', (found) => found?.done === true))
    })
    return queued
  }

  function waitForIdle(): void {
    if (idle !== undefined || closed) return
    idle = setTimeout(() => {
      idle = undefined
      if (realMs() - lastWrite < limits.walIdleMs) return waitForIdle()
      // A short WAL is kept, all of it in the file: the next commits overwrite it, where an empty one would have to grow again.
      void (walSize() > limits.walPassiveBytes ? empty() : run('passive'))
    }, limits.walIdleMs)
    idle.unref()
  }

  return {
    wrote(writes, bytes) {
      left += bytes + writes * pagesAWrite * pageBytes
      lastWrite = realMs()
      waitForIdle()
      if (left > limits.walPassiveBytes && !closed) moving ??= move().finally(() => (moving = undefined))
    },
    refusal() {
      const now = realMs()
      if (now - lastLook >= limits.checkpointEveryMs) {
        lastLook = now
        lastSize = walSize()
        if (lastSize > limits.walRefuseBytes) this.emptySoon()
      }
      return lastSize > limits.walRefuseBytes ? walTooLong(lastSize) : undefined
    },
    empty,
    async scour() {
      if (statSync(file).size <= limits.sqliteVacuumBytes) await tryFor('vacuum', (found) => found !== undefined)
      return empty()
    },
    emptySoon() {
      if (soon !== undefined || closed) return
      soon = setTimeout(() => {
        soon = undefined
        void empty()
      }, limits.checkpointEveryMs)
    },
    async close() {
      closed = true
      clearTimeout(idle)
      clearTimeout(soon)
      await moving
      await (queued ?? emptying)
      ended = true
      await checkpointer.close()
    },
  }
}

const walTooLong = (given: number) =>
  new RecollectError(
    'unavailable',
    `the write-ahead log has at most ${limits.walRefuseBytes} bytes; it has ${given}, held by a reader`,
    'End the process or the backup that has the database open for reading.',
    { limit: limits.walRefuseBytes, given },
  )
