// Reads server-sent events from bytes as they come, whatever the cuts between packets.

export interface EventReader {
  push(chunk: Uint8Array): void
  /** True once an event was larger than allowed: the reading has ended, the relaying goes on. */
  readonly overflowed: boolean
}

/** Hands on the `data` of each event, its lines joined. */
export function eventReader(onData: (data: string) => void, mostCharacters: number): EventReader {
  const decoder = new TextDecoder()
  let rest = '' // of a line that has not ended; it only grows at its end, and is looked at once
  let cr = '' // the CR that a piece ended in: it may be half of a CRLF
  let data: string[] = []
  let held = 0 // characters of `data`
  let overflowed = false

  const take = (line: string) => {
    if (line === '') {
      if (data.length > 0) onData(data.join('\n'))
      data = []
      held = 0
    } else if (line.startsWith('data:')) {
      data.push(line.slice(line[5] === ' ' ? 6 : 5))
      held += line.length
    }
  }
  return {
    get overflowed() {
      return overflowed
    },
    push(chunk) {
      if (overflowed) return
      const lines = (cr + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
      const open = lines.pop() as string
      cr = open.endsWith('\r') ? '\r' : ''
      for (const line of lines) {
        take(rest + line)
        rest = ''
      }
      rest += open.slice(0, open.length - cr.length)
      overflowed = rest.length + held > mostCharacters
    },
  }
}
