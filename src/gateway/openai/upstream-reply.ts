// Reading what an upstream sends: piece by piece, within a bound, and never longer in silence than allowed (GW-11).
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { late, type Clock } from '../../ports/clock.ts'
import type { Deadlines } from '../../ports/deadlines.ts'

/** How a reply may end before it is whole. */
export type Fault = 'broken' | 'silent'

export const faultError = (fault: Fault): RecollectError =>
  fault === 'silent'
    ? new RecollectError('timeout', 'the model upstream sent nothing for too long', 'Try again; what had arrived is stored.')
    : new RecollectError('unavailable', 'the model upstream broke off', 'Try again; what had arrived is stored.')

/** How long one call of an upstream may take: in silence, and in all. */
export interface Patience {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly silenceMs: number
  readonly until: number // ms of the clock
}

/** What `work` gives, or `silent` once the patience is over. */
export async function within<T>({ clock, deadlines, silenceMs, until }: Patience, work: Promise<T>): Promise<T | 'silent'> {
  const got = await deadlines.within(Math.min(silenceMs, until - clock.now()), work)
  return got === late ? 'silent' : got
}

/** Calls `end` when the patience is over, unless `done` comes first: a client that reads nothing asks for no next piece, and would hold its place for ever. */
export function atItsEnd({ clock, until }: Patience, done: AbortSignal, end: () => void): void {
  void clock.sleep(Math.max(0, until - clock.now()), done, 'background').then(() => done.aborted || end())
}

export const nextPiece = (reader: ReadableStreamDefaultReader<Uint8Array>, patience: Patience): Promise<Uint8Array | 'end' | Fault> =>
  within(
    patience,
    reader.read().then(
      ({ done, value }) => (done ? ('end' as const) : value),
      () => 'broken' as const,
    ),
  )

/** A reply that is not a stream, whole. @throws `unavailable` if it breaks off or is too large · `timeout` on silence */
export async function readReply(response: Response, patience: Patience): Promise<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return new Uint8Array()
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const piece = await nextPiece(reader, patience)
    if (piece === 'end') return Buffer.concat(pieces)
    if (typeof piece === 'string') throw await givenUp(reader, faultError(piece))
    size += piece.length
    if (size > limits.upstreamReplyBytes) throw await givenUp(reader, tooLarge(size))
    pieces.push(piece)
  }
}

/** A reply passed on as it comes, under the same patience; `ended` when it is over or its reader has gone. */
export function relayed(response: Response, patience: Patience, ended: () => void): Response {
  const reader = response.body?.getReader()
  if (reader === undefined) {
    ended()
    return response
  }
  const done = new AbortController()
  const end = () => {
    done.abort(null)
    ended()
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      atItsEnd(patience, done.signal, () => {
        end()
        void givenUp(reader, faultError('silent')).then((error) => controller.error(error))
      })
    },
    async pull(controller) {
      const piece = await nextPiece(reader, patience)
      if (done.signal.aborted) return
      if (typeof piece !== 'string') return controller.enqueue(piece)
      end()
      if (piece === 'end') return controller.close()
      controller.error(await givenUp(reader, faultError(piece)))
    },
    async cancel(reason) {
      end()
      await reader.cancel(reason)
    },
  })
  return new Response(body, response)
}

/** The connection is not kept waiting for a reader that has gone. */
async function givenUp(reader: ReadableStreamDefaultReader<Uint8Array>, error: RecollectError): Promise<RecollectError> {
  await reader.cancel().catch(() => undefined)
  return error
}

const tooLarge = (given: number): RecollectError =>
  new RecollectError('unavailable', `the upstream's reply is over ${limits.upstreamReplyBytes} bytes`, 'Ask the model for less.', {
    limit: limits.upstreamReplyBytes,
    given,
  })
