// Relays a model's stream to the client as it comes, and puts the answer together beside it (OAI-15, OAI-16).
import type { Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { openaiError } from '../problem.ts'
import { answerAssembler, type Answer } from './assemble-answer.ts'
import { eventReader } from './event-stream.ts'
import { atItsEnd, faultError, nextPiece, type Fault, type Patience } from './upstream-reply.ts'

export interface RelayOptions {
  readonly patience: Patience
  /** The client asked for the usage chunk; else it is dropped. */
  readonly keepUsage: boolean
  readonly signal: AbortSignal // of the client
  keep(answer: Answer, incomplete?: 'aborted' | 'upstream'): Promise<void>
  end(): Promise<void>
}

/** The answer is stored after the stream's last event and before the connection closes. */
export function relayStream(upstream: ReadableStream<Uint8Array>, options: RelayOptions): ReadableStream<Uint8Array> {
  const reader = upstream.getReader()
  const assembler = answerAssembler()
  const events = eventReader((data) => assembler.add(data === '[DONE]' ? data : parsed(data)), limits.upstreamReplyBytes)
  const cut = options.keepUsage ? undefined : usageCutter()
  const ended = new AbortController()
  let late = false
  let size = 0
  const finish = async (incomplete?: 'aborted' | 'upstream') => {
    if (ended.signal.aborted) return
    ended.abort(null)
    if (incomplete !== undefined) void reader.cancel().catch(() => {}) // ends the call
    await options.keep(assembler.answer(), incomplete)
    await options.end()
  }
  options.signal.addEventListener('abort', () => void finish('aborted'), { once: true })
  atItsEnd(options.patience, ended.signal, () => {
    late = true
    void finish('upstream')
  })
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const read = await nextPiece(reader, options.patience)
        size += typeof read === 'string' ? 0 : read.length
        const next = size > limits.upstreamReplyBytes ? 'broken' : read
        if (ended.signal.aborted) {
          if (late) controller.enqueue(errorEvent('silent'))
          return controller.close()
        }
        if (next === 'broken' || next === 'silent') {
          controller.enqueue(errorEvent(next))
          await finish('upstream')
          return controller.close()
        }
        if (next === 'end') {
          const rest = cut?.rest()
          if (rest !== undefined && rest.length > 0) controller.enqueue(rest)
          events.push(Buffer.from('\n\n')) // what ends without a line end has ended
          const whole = assembler.answer().finished
          if (!whole) controller.enqueue(errorEvent('broken'))
          await finish(whole ? undefined : 'upstream')
          return controller.close()
        }
        events.push(next)
        const out = cut === undefined ? next : cut.push(next)
        if (out.length === 0) continue
        controller.enqueue(out)
        return
      }
    },
    cancel: () => finish('aborted'),
  })
}

/** In the API's own form, so that the official clients raise it (OAI-16). */
const errorEvent = (fault: Fault): Uint8Array => Buffer.from(`data: ${JSON.stringify(openaiError(faultError(fault)))}\n\n`)

/** Holds back the one event that carries nothing but usage, which this client did not ask for; all else passes byte for byte. */
function usageCutter(): { push(chunk: Uint8Array): Uint8Array; rest(): Uint8Array } {
  let held: Uint8Array = new Uint8Array()
  return {
    push(chunk) {
      const all = Buffer.concat([held, chunk])
      const last = endOfLastEvent(all)
      held = all.subarray(last)
      if (held.length > limits.usageEventBytes) {
        held = new Uint8Array()
        return all // an event of this size is not the one that is held back
      }
      const events = splitEvents(all.subarray(0, last))
      return Buffer.concat(events.filter((event) => !isUsageAlone(event)))
    },
    rest: () => held,
  }
}

/** Index after the last blank line: events before it are whole. */
function endOfLastEvent(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n')
  const crlf = bytes.lastIndexOf('\r\n\r\n')
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 4)
}

function splitEvents(bytes: Buffer): Buffer[] {
  const events: Buffer[] = []
  let from = 0
  while (from < bytes.length) {
    const [lf, crlf] = [bytes.indexOf('\n\n', from), bytes.indexOf('\r\n\r\n', from)]
    const end = crlf !== -1 && (lf === -1 || crlf < lf) ? crlf + 4 : lf === -1 ? bytes.length : lf + 2
    events.push(bytes.subarray(from, end))
    from = end
  }
  return events
}

function isUsageAlone(event: Buffer): boolean {
  if (!event.includes('"usage"')) return false
  const data = /^data: ?(.*)$/m.exec(event.toString('utf8'))?.[1]
  const chunk = data === undefined ? undefined : (parsed(data) as { choices?: unknown; usage?: unknown } | null)
  return chunk?.usage !== undefined && chunk.usage !== null && Array.isArray(chunk.choices) && chunk.choices.length === 0
}

function parsed(data: string): Json {
  try {
    return JSON.parse(data) as Json
  } catch {
    return null
  }
}
