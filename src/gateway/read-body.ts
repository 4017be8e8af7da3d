// A request's body: counted, inflated and read as strict JSON within its bounds (GW-11, ACC-12).
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { RecollectError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { jsonBounds, readJson } from '../core/strict-json.ts'

export interface BodyBounds {
  readonly bytes: number // inflated, too
  readonly stringBytes: number
}

/** The strict JSON of a body; no body reads as an empty object. */
export async function readBody(request: Request, { bytes: most, stringBytes }: BodyBounds): Promise<Json> {
  const type = request.headers.get('content-type')
  const bytes = await inflated(await bytesOf(request, most), request.headers.get('content-encoding'), most)
  if (bytes.length === 0) return {}
  if (!/^application\/(?:[a-z.+-]+\+)?json\s*(?:;|$)/i.test(type ?? ''))
    throw wrongType('the body is not JSON by its content type', 'Send `Content-Type: application/json`.')
  return readJson(bytes, { ...jsonBounds, stringBytes })
}

/** Marks the one `invalid_input` that HTTP answers with 415 (GW-10). */
const wrongType = (message: string, nextStep: string): RecollectError =>
  new RecollectError('invalid_input', message, nextStep, { details: { http: 415 } })

const tooLarge = (most: number, given: number): RecollectError =>
  new RecollectError('payload_too_large', `a body here has at most ${most} bytes; got ${given} or more`, 'Send less at once.', {
    limit: most,
    given,
  })

async function bytesOf(request: Request, most: number): Promise<Uint8Array> {
  try {
    return await received(request, most)
  } catch (cause) {
    if (cause instanceof RecollectError) throw cause
    throw new RecollectError('invalid_input', 'the body broke off before its end', 'Send a whole body, of the length that was told.', { cause })
  }
}

async function received(request: Request, most: number): Promise<Uint8Array> {
  const told = request.headers.get('content-length')
  if (told === null) return counted(request, most)
  if (Number(told) > most) throw tooLarge(most, Number(told))
  // HTTP ends a body where its told length ends. So the server can hand it over whole, which is a third of the work of a stream.
  const bytes = new Uint8Array(await request.arrayBuffer())
  if (bytes.length > most) throw tooLarge(most, bytes.length)
  return bytes
}

/** A body whose length nobody told. */
async function counted(request: Request, most: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += (chunk as Uint8Array).length
    if (size > most) throw tooLarge(most, size)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) } as const

/** Against the same bound as what came: a small body may hold gigabytes. */
async function inflated(bytes: Uint8Array, encoding: string | null, most: number): Promise<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return bytes
  if (!Object.hasOwn(inflaters, name))
    throw wrongType('the body is in an encoding that is not read here', `Send it plain, or in one of ${Object.keys(inflaters).join(', ')}.`)
  try {
    return await inflaters[name as keyof typeof inflaters](bytes, { maxOutputLength: most })
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(most, most + 1)
    throw new RecollectError('invalid_input', 'the body cannot be inflated', `Send a whole body, encoded as Content-Encoding says.`, { cause })
  }
}
