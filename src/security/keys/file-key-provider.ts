// Key-encryption keys in a local file that only this user can read; made once, and never beside data that another key sealed (SEAL-2).
import { createSecretKey, type KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { base64url, fromBase64url } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { KeyProvider } from '../../ports/key-provider.ts'
import { kekRing } from './kek-ring.ts'

export interface FileKeyOptions {
  readonly path: string
  readonly random: Random
  /** ms since 1970; written beside a new key. */
  readonly now: () => number
  /** Whether anything sealed exists already: then a missing file is a fault, and no new key is made. */
  readonly sealedData: () => Promise<boolean>
  /** The user that must own the file; undefined where the system has no user ids, and modes are then not checked (Windows). */
  readonly uid: number | undefined
}

const formatName = 'recollect-keys-1'
const kekBytes = 32
const ownerOnly = 0o600
const groupAndOthers = 0o077
const codeOf = (error: unknown) => (error as { code?: unknown } | null)?.code

const refused = (path: string, what: string, nextStep: string, cause?: unknown) =>
  new RecollectError('invalid_input', `the key file ${path} ${what}`, nextStep, { cause })
const unreadable = (path: string, what: string, cause?: unknown) =>
  new RecollectError(
    'integrity_failure',
    `the key file ${path} ${what}`,
    'Restore the key file from your copy; without it the data cannot be read. Nothing was changed.',
    { cause },
  )

/**
 * Reads the key file, or makes it on first use.
 *
 * @throws `invalid_input` for a link, a special file, a mode with group or other bits, or another user's file · `integrity_failure` for an
 * unknown format, and for a missing file where sealed data exists
 */
export async function fileKeyProvider(options: FileKeyOptions): Promise<KeyProvider> {
  const text = (await readChecked(options)) ?? (await madeOrRead(options))
  const { active, keys } = parse(options.path, text)
  return kekRing('file', keys, active, options.random)
}

async function madeOrRead(options: FileKeyOptions): Promise<string> {
  if (await options.sealedData()) throw unreadable(options.path, 'is missing, and there is sealed data')
  await make(options)
  const text = await readChecked(options)
  if (text === undefined) throw unreadable(options.path, 'vanished while it was made')
  return text
}

async function readChecked({ path, uid }: FileKeyOptions): Promise<string | undefined> {
  let file: FileHandle
  try {
    // Without NONBLOCK a pipe in the file's place would hang the start.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    if (codeOf(cause) === 'ELOOP') throw refused(path, 'is a symbolic link', 'Name the file itself.', cause)
    throw new RecollectError('unavailable', `the key file ${path} cannot be opened`, 'Check that this user may read it.', { cause })
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw refused(path, 'is not a regular file', 'Name a file.')
    if (uid !== undefined && stat.uid !== uid)
      throw refused(path, `belongs to user ${stat.uid}; this process runs as ${uid}`, 'Change its owner, or run as that user.')
    if (uid !== undefined && (stat.mode & groupAndOthers) !== 0)
      throw refused(path, `has mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}; others can reach it`, `Run: chmod 600 ${path}`)
    if (stat.size > limits.secretFileBytes) throw unreadable(path, `has ${stat.size} bytes; at most ${limits.secretFileBytes}`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Whole or not at all: written under another name, flushed, and linked into place, which fails if somebody else was first. */
async function make({ path, random, now }: FileKeyOptions): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const key = random(kekBytes)
  const id = `file-${base64url(random(9))}`
  const text = `${JSON.stringify({ format: formatName, active: id, keys: [{ id, createdAt: now(), key: base64url(key) }] }, null, 2)}\n`
  const draft = join(folder, `.${id}.new`)
  const file = await open(draft, constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY, ownerOnly)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
    key.fill(0)
  }
  try {
    await link(draft, path)
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST')
      throw new RecollectError('unavailable', `the key file ${path} cannot be made`, 'Check the folder, its file system and the free space.', {
        cause,
      })
  } finally {
    await unlink(draft)
  }
  await syncFolder(folder)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function parse(path: string, text: string): { active: string; keys: ReadonlyMap<string, KeyObject> } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unreadable(path, 'is no JSON') // without a cause: its message would quote the file
  }
  const { format, active, keys } = (value ?? {}) as { format?: unknown; active?: unknown; keys?: unknown }
  if (format !== formatName) throw unreadable(path, 'has an unknown format')
  if (typeof active !== 'string' || !Array.isArray(keys)) throw unreadable(path, 'names no active key')
  const map = new Map<string, KeyObject>()
  for (const entry of keys as { id?: unknown; key?: unknown }[]) {
    if (typeof entry?.id !== 'string' || typeof entry.key !== 'string') throw unreadable(path, 'holds a key without an id')
    const bytes = fromBase64url(entry.key)
    if (bytes.length !== kekBytes) throw unreadable(path, `holds a key of ${bytes.length} bytes; each has ${kekBytes}`)
    map.set(entry.id, createSecretKey(bytes))
    bytes.fill(0)
  }
  if (!map.has(active)) throw unreadable(path, 'does not hold its active key')
  return { active, keys: map }
}
