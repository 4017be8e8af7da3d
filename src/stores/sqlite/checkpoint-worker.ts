// The thread that moves the WAL into the file, so that no commit waits for it (SQL-7). Told what to do by checkpoint.ts.
// oxlint-disable unicorn/require-post-message-target-origin -- that is for windows; a thread has no origin
import { parentPort, workerData } from 'node:worker_threads'
import { checkpoint, emptied, type Order } from './checkpoint.ts'
import { nodeSqlite, type SqliteClient } from './client.ts'
import { setAndReadBack } from './open-database.ts'
import { resultCode } from './sqlite-errors.ts'

let client: SqliteClient | undefined

function connected(): SqliteClient {
  if (client !== undefined) return client
  const opened = nodeSqlite(workerData as string)
  opened.exec('pragma busy_timeout = 0')
  setAndReadBack(opened, 'full') // a checkpoint syncs only then
  return (client = opened)
}

parentPort?.on('message', (order: Order | 'close') => {
  if (order === 'close') {
    if (client !== undefined) emptied(client)
    client?.close()
    return parentPort?.close()
  }
  try {
    parentPort?.postMessage({ checkpoint: checkpoint(connected(), order) })
  } catch (error) {
    parentPort?.postMessage({ error: { message: String((error as Error).message), errcode: resultCode(error) } })
  }
})
