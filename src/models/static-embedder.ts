// The bundled embedder: a text's vector is the sum of one table row a token, at unit length (EMB-1, models/static-en/README.md).
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Embedder } from '../ports/models.ts'
import { nearWordsOf } from './near-words.ts'
import { wordPiece } from './word-piece.ts'

interface Table {
  readonly dimensions: number
  readonly scales: Float32Array
  readonly rows: Int8Array
  readonly vocabulary: readonly string[]
}

const magic = 'RCSTATIC'
const headerBytes = 32

const notATable = (why: string) =>
  new RecollectError(
    'invalid_input',
    `this is no static token table: ${why}`,
    'Give the bytes of static-128.bin as the package @recollect/static-en ships it.',
  )

/** Reads the file by its layout; the rows stay where they are in the bytes. */
function readTable(file: Uint8Array): Table {
  const bytes = file.byteOffset % 4 === 0 ? file : file.slice() // the scales are read in place, so they must lie at a multiple of 4
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < headerBytes || Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== magic) throw notATable(`it does not begin with ${magic}`)
  const [version, n, dimensions, words] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number, number]
  if (version !== 1) throw notATable(`its format is ${version}, and 1 is read here`)
  const rowsAt = headerBytes + 4 * n
  const wordsAt = rowsAt + n * dimensions
  if (bytes.length !== wordsAt + words) throw notATable(`it has ${bytes.length} bytes, and its header says ${wordsAt + words}`)
  const vocabulary = Buffer.from(bytes.buffer, bytes.byteOffset + wordsAt, words)
    .toString('utf8')
    .split('\n')
  if (vocabulary.length !== n) throw notATable(`it has ${n} rows and ${vocabulary.length} words`)
  return {
    dimensions,
    scales: new Float32Array(bytes.buffer, bytes.byteOffset + headerBytes, n),
    rows: new Int8Array(bytes.buffer, bytes.byteOffset + rowsAt, n * dimensions),
    vocabulary,
  }
}

const ascii = /^[\0-\x7F]*$/
const letter = /\p{L}/gu
const latinLetter = /(?=\p{L})\p{Script=Latin}/gu
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** The table is English: a text whose letters are mostly of another script has no vector, and is found by its words. */
const abstains = (text: string): boolean => {
  if (ascii.test(text)) return false
  return 2 * count(text, latinLetter) < count(text, letter)
}

/** The sum of the rows in doubles, divided by its length. No known token: the zero vector. */
function pooled({ dimensions, scales, rows }: Table, ids: readonly number[]): Float32Array {
  const sum = new Float64Array(dimensions)
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    const scale = scales[id]!
    for (let k = 0, at = id * dimensions; k < dimensions; k++, at++) sum[k]! += scale * rows[at]!
  }
  let squares = 0
  for (let k = 0; k < dimensions; k++) squares += sum[k]! * sum[k]!
  const vector = new Float32Array(dimensions)
  const length = Math.sqrt(squares)
  if (length > 0) for (let k = 0; k < dimensions; k++) vector[k] = sum[k]! / length
  return vector
}

/**
 * An embedder over the bytes of a static token table. Reads the first 128 tokens of a text (measured: better than the whole of a long
 * message). The zero vector for a text that is mostly not in Latin script, or has no known word.
 *
 * @throws `invalid_input` if the bytes are no such table
 */
export function staticEmbedder(bytes: Uint8Array): Embedder {
  const table = readTable(bytes)
  const tokens = wordPiece(table.vocabulary)
  return {
    info: { id: `static-en-${table.dimensions}@1`, dimensions: table.dimensions, maxTokens: limits.embedTokens, local: true },
    embed: async (texts) => texts.map((text) => pooled(table, abstains(text) ? [] : tokens.ids(text, limits.embedTokens))),
    nearWords: nearWordsOf(table, tokens.whole),
  }
}

let bundled: Promise<Embedder> | undefined

/** The embedder over the table that comes with Recollect. Read once a process, on first use; no network. @throws `unavailable` if the file is missing */
export function loadBundledEmbedder(): Promise<Embedder> {
  bundled ??= readBundled()
  return bundled
}

async function readBundled(): Promise<Embedder> {
  try {
    return staticEmbedder(await readFile(createRequire(import.meta.url).resolve('@recollect/static-en/static-128.bin')))
  } catch (cause) {
    bundled = undefined // the next call tries again
    throw new RecollectError(
      'unavailable',
      'the bundled embedder could not be read',
      'Install the package @recollect/static-en again, or give another embedder.',
      { cause },
    )
  }
}
