// Random bytes from the system's generator, a page at a time: a call to it costs as much for 16 bytes as for thousands.
import { randomFillSync } from 'node:crypto'
import type { Random } from '../core/ids.ts'

/** Each byte is given out once and then wiped from the page. */
export function pooledRandom(pageBytes = 4_096): Random {
  const page = new Uint8Array(pageBytes)
  let used = pageBytes
  return (bytes) => {
    if (bytes > pageBytes) return randomFillSync(new Uint8Array(bytes))
    if (used + bytes > pageBytes) {
      randomFillSync(page)
      used = 0
    }
    const given = page.slice(used, used + bytes)
    page.fill(0, used, used + bytes)
    used += bytes
    return given
  }
}
