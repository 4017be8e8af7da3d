// A small file by its name: a regular one alone, and no more of it than fits. A pipe or a device in its place neither hangs the start nor is read.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** The bytes of a file, or what is wrong with it, in words that follow its name. */
export type FileRead = { readonly bytes: Uint8Array; readonly mode: number; readonly uid: number } | { readonly fault: string }

export function readFileWhole(file: string, mostBytes: number): FileRead {
  let opened: number
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK) // without NONBLOCK a pipe that nobody writes hangs here
  } catch (error) {
    return { fault: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be opened by this user' }
  }
  try {
    const found = fstatSync(opened)
    if (!found.isFile()) return { fault: found.isDirectory() ? 'is a folder' : 'is no regular file' }
    const bytes = new Uint8Array(mostBytes + 1)
    let length = 0
    for (let got = -1; got !== 0 && length <= mostBytes; length += got) got = readSync(opened, bytes, length, bytes.length - length, null)
    return length > mostBytes ? { fault: `has over ${mostBytes} bytes` } : { bytes: bytes.subarray(0, length), mode: found.mode, uid: found.uid }
  } catch {
    return { fault: 'cannot be read' }
  } finally {
    closeSync(opened)
  }
}
