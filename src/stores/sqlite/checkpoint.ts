// One checkpoint of the WAL: the statement, its answer, and where it runs. Deciding when is checkpoints.ts's.
// oxlint-disable unicorn/require-post-message-target-origin -- that is for windows; a thread has no origin
import { Worker } from 'node:worker_threads'
import type { SqliteClient } from './client.ts'
import { pageBytes } from './open-database.ts'

export type Mode = 'passive' | 'restart' | 'truncate'
/** `vacuum` writes the whole file anew, then truncates the WAL. */
export type Order = Mode | 'vacuum'

/** `walBytes`: of frames in the WAL since it was last begun anew; `leftBytes`: of those not yet in the file; `done` if the mode was reached. */
export interface Checkpoint {
  readonly done: boolean
  readonly walBytes: number
  readonly leftBytes: number
}

export interface Checkpointer {
  run(order: Order): Promise<Checkpoint>
  /** Empties the WAL if nobody holds it, and ends. */
  close(): Promise<void>
}

const frameBytes = pageBytes + 24 // https://www.sqlite.org/fileformat2.html#the_write_ahead_log

export function checkpoint(client: SqliteClient, order: Order): Checkpoint {
  if (order === 'vacuum') client.exec('vacuum')
  const mode: Mode = order === 'vacuum' ? 'truncate' : order
  const row = client.prepare(`pragma wal_checkpoint(${mode})`).get() as { busy: number; log: number; checkpointed: number }
  return { done: row.busy === 0, walBytes: row.log * frameBytes, leftBytes: (row.log - row.checkpointed) * frameBytes }
}

/** On the caller's own connection: for clients whose library must not meet a second SQLite in the process. Blocks the loop meanwhile. */
export function ownCheckpointer(client: SqliteClient): Checkpointer {
  return { run: async (order) => checkpoint(client, order), close: async () => emptied(client) }
}

/** At a close another process may hold the WAL: it will empty it. */
export function emptied(client: SqliteClient): void {
  try {
    checkpoint(client, 'truncate')
  } catch {
    // Nothing is lost: what is in the WAL is read from there.
  }
}

type Reply = { readonly checkpoint: Checkpoint } | { readonly error: { readonly message: string; readonly errcode: number } }

/** In a worker thread with a connection of its own (SQL-7). The thread starts at the first checkpoint and does not keep the process alive. */
export function threadCheckpointer(file: string, client: SqliteClient): Checkpointer {
  let thread: Worker | undefined
  let closing = false
  let waiting: { resolve: (done: Checkpoint) => void; reject: (error: unknown) => void }[] = []

  function started(): Worker {
    if (thread !== undefined) return thread
    // The same ending as this file: .ts from source, .js from the package.
    const made = new Worker(new URL(import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js', import.meta.url), {
      workerData: file,
    })
    made.unref()
    made.on('message', (reply: Reply) => {
      const next = waiting.shift()
      if (waiting.length === 0 && !closing) made.unref()
      if ('checkpoint' in reply) next?.resolve(reply.checkpoint)
      else next?.reject(Object.assign(new Error(reply.error.message), { errcode: reply.error.errcode }))
    })
    made.on('error', (error) => {
      thread = undefined
      for (const one of waiting) one.reject(error)
      waiting = []
    })
    return (thread = made)
  }

  return {
    run: (order) =>
      new Promise((resolve, reject) => {
        const worker = started()
        waiting.push({ resolve, reject })
        worker.ref() // somebody waits for the answer
        worker.postMessage(order)
      }),
    async close() {
      if (thread === undefined) return emptied(client) // it was never needed: the WAL is short
      closing = true
      const ended = new Promise((resolve) => thread?.once('exit', resolve))
      thread.ref()
      thread.postMessage('close')
      await ended
    },
  }
}
