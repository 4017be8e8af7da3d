// The bytes of an open database, for residue probes (ERA-7). POSIX drops all locks of a process on a file as soon as it closes any handle
// of that file, and SQLite relies on those locks: so the file is read by one handle, which is opened before SQLite and closed after it.
import { closeSync, existsSync, openSync, read, readFile, realpathSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import path from 'node:path'

/** One file of a store. `read` fills the buffer from `at` on and says how many bytes there were; 0 at the end. */
export interface StoreFile {
  readonly path: string
  read(buffer: Uint8Array, at: number): Promise<number>
}

const held = new Map<string, { readonly handle: number; uses: number }>()

/** Opens the file's one handle in this process, or shares it. */
export function holdFile(file: string): { files(): Promise<readonly StoreFile[]>; release(): void } {
  const place = realpathSync(file)
  const found = held.get(place) ?? { handle: openSync(place, 'r'), uses: 0 }
  found.uses++
  held.set(place, found)
  const wal = `${file}-wal` // SQLite takes no lock on it, so it may be opened and closed
  return {
    async files() {
      const main: StoreFile = { path: file, read: (buffer, at) => readAt(found.handle, buffer, at) }
      return existsSync(wal) ? [main, bytesOf(wal, await wholeFile(wal))] : [main]
    },
    release() {
      if (--found.uses > 0) return
      held.delete(place)
      closeSync(found.handle)
    },
  }
}

const readAt = (handle: number, buffer: Uint8Array, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(handle, buffer, 0, buffer.length, at, (error, count) => (error === null ? resolve(count) : reject(error)))
  })

const wholeFile = (file: string): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    readFile(file, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })

const bytesOf = (file: string, bytes: Uint8Array): StoreFile => ({
  path: file,
  async read(buffer, at) {
    const piece = bytes.subarray(at, at + buffer.length)
    buffer.set(piece)
    return piece.length
  },
})

/** Ids of other processes that have the WAL open, as Linux shows them; none where it cannot be seen. */
export async function processesWith(file: string): Promise<readonly number[]> {
  const wal = `${path.resolve(file)}-wal`
  const others = (await namesIn('/proc')).map(Number).filter((id) => Number.isInteger(id) && id !== process.pid)
  const open = await Promise.all(others.map((id) => hasOpen(id, wal)))
  return others.filter((_, i) => open[i])
}

async function hasOpen(id: number, file: string): Promise<boolean> {
  const targets = (await namesIn(`/proc/${id}/fd`)).map((handle) => readlink(`/proc/${id}/fd/${handle}`).catch(() => ''))
  return (await Promise.all(targets)).includes(file)
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
