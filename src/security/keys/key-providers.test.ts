import { createSecretKey } from 'node:crypto'
import { chmod, link, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyContext, KeyProvider } from '../../ports/key-provider.ts'
import { seededRandom } from '../../testing/index.ts'
import { fileKeyProvider, type FileKeyOptions } from './file-key-provider.ts'
import { kekRing } from './kek-ring.ts'
import { memoryKeyProvider } from './memory-key-provider.ts'

let folder: string
let files = 0
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'recollect-keys-'))))
afterAll(() => rm(folder, { recursive: true }))

const uid = process.getuid?.()
const options = (more: Partial<FileKeyOptions> = {}): FileKeyOptions => ({
  path: join(folder, `k${++files}`, 'recollect.key'),
  random: seededRandom(files),
  now: () => 1,
  sealedData: async () => false,
  uid,
  ...more,
})
/** The bytes that the draft is named by: drawn after those of the key. */
const drawnAfterKey = ({ random }: FileKeyOptions): Uint8Array => (random(32), random(9))
const context: KeyContext = { tenantId: 'acme', ownerId: 'alice', purpose: 'data-key', version: 1 }
const broken = expect.objectContaining({ code: 'integrity_failure' })
const refused = expect.objectContaining({ code: 'invalid_input' })

const providers: Record<string, () => Promise<KeyProvider>> = {
  file: () => fileKeyProvider(options()),
  memory: async () => memoryKeyProvider({ random: seededRandom(++files) }),
  'memory with a key of the caller': async () =>
    memoryKeyProvider({ random: seededRandom(++files), key: createSecretKey(seededRandom(++files)(32)) }),
}

for (const [name, make] of Object.entries(providers))
  describe(`key provider contract: ${name}`, () => {
    const key = new Uint8Array(32).map((_, i) => i)

    test('what was wrapped unwraps to the same bytes, and no two wraps are alike [SEAL-15]', async () => {
      const provider = await make()
      const [a, b] = [await provider.wrap(key, context), await provider.wrap(key, context)]
      expect([...(await provider.unwrap(a, context))]).toEqual([...key])
      expect(a.keyId).toBe(provider.info.activeKeyId)
      expect(Buffer.compare(a.bytes, b.bytes)).not.toBe(0)
      expect(Buffer.from(a.bytes).includes(Buffer.from(key))).toBe(false)
    })

    test('another context is an integrity failure: tenant, owner, purpose, version [SEAL-14]', async () => {
      const provider = await make()
      const wrapped = await provider.wrap(key, context)
      for (const change of [{ tenantId: 'acme2' }, { ownerId: 'bob' }, { purpose: 'subject-key' as const }, { version: 2 }])
        await expect(provider.unwrap(wrapped, { ...context, ...change })).rejects.toEqual(broken)
    })

    test('changed, cut and foreign wraps are integrity failures [SEAL-14]', async () => {
      const provider = await make()
      const wrapped = await provider.wrap(key, context)
      for (let i = 0; i < wrapped.bytes.length; i++) {
        const bytes = wrapped.bytes.slice()
        bytes[i]! ^= 1
        await expect(provider.unwrap({ ...wrapped, bytes }, context)).rejects.toEqual(broken)
        await expect(provider.unwrap({ ...wrapped, bytes: wrapped.bytes.subarray(0, i) }, context)).rejects.toEqual(broken)
      }
      await expect(provider.unwrap({ ...wrapped, keyId: 'none' }, context)).rejects.toEqual(broken)
      const other = await make()
      await expect(other.unwrap({ keyId: other.info.activeKeyId, bytes: wrapped.bytes }, context)).rejects.toEqual(broken)
    })

    test('rewrap gives a new wrap of the same key under the active key [SEAL-14]', async () => {
      const provider = await make()
      const wrapped = await provider.wrap(key, context)
      const again = await provider.rewrap(wrapped, context)
      expect(Buffer.compare(again.bytes, wrapped.bytes)).not.toBe(0)
      expect([...(await provider.unwrap(again, context))]).toEqual([...key])
      await expect(provider.rewrap(wrapped, { ...context, version: 9 })).rejects.toEqual(broken)
    })

    test('after close every call is unavailable [SEAL-14]', async () => {
      const provider = await make()
      const wrapped = await provider.wrap(key, context)
      await provider.close()
      await provider.close()
      const gone = expect.objectContaining({ code: 'unavailable' })
      await expect(provider.wrap(key, context)).rejects.toEqual(gone)
      await expect(provider.unwrap(wrapped, context)).rejects.toEqual(gone)
    })
  })

describe('a ring of key-encryption keys', () => {
  const key = () => createSecretKey(seededRandom(++files)(32))

  test('wraps under the active one, opens what any of them wrapped, and takes none for another [SEAL-15]', async () => {
    const [a, b] = [key(), key()]
    const keys = new Map([
      ['a', a],
      ['b', b],
      ['twin', b],
    ])
    const [older, now] = [kekRing('r', keys, 'a', seededRandom(1)), kekRing('r', keys, 'b', seededRandom(2))]
    const [first, second] = [await older.wrap(new Uint8Array(32), context), await now.wrap(new Uint8Array(32), context)]
    expect([first.keyId, second.keyId]).toEqual(['a', 'b'])
    expect(await now.unwrap(first, context)).toEqual(new Uint8Array(32))
    await expect(now.unwrap({ ...second, keyId: 'twin' }, context)).rejects.toEqual(broken) // the same key by another name
    const again = await now.rewrap(first, context)
    expect([again.keyId, await now.unwrap(again, context)]).toEqual(['b', new Uint8Array(32)])
    expect(now.info).toEqual({ name: 'r', activeKeyId: 'b', leavesProcess: false })
  })

  test('leaves no key behind in the buffer of a rewrap [SEAL-15]', async () => {
    const provider = kekRing('r', new Map([['a', key()]]), 'a', seededRandom(1))
    const wrapped = await provider.wrap(new Uint8Array(32).fill(7), context)
    const bare = new Uint8Array(32).fill(7)
    provider.unwrap = async () => bare
    await provider.rewrap(wrapped, context)
    expect(bare).toEqual(new Uint8Array(32))
  })
})

describe('the key file', () => {
  test('may hold several keys: the active one wraps, and all of them open [SEAL-15]', async () => {
    const [old, both] = [options(), options()]
    const wrapped = await (await fileKeyProvider(old)).wrap(new Uint8Array(32), context)
    const held = JSON.parse(await readFile(old.path, 'utf8')) as { keys: object[] }
    const next = { id: 'next', createdAt: 2, key: Buffer.from(seededRandom(++files)(32)).toString('base64url') }
    await mkdir(join(both.path, '..'), { recursive: true })
    await writeFile(both.path, JSON.stringify({ ...held, active: 'next', keys: [...held.keys, next] }), { mode: 0o600 })
    const provider = await fileKeyProvider(both)
    expect((await provider.rewrap(wrapped, context)).keyId).toBe('next')
    expect(await provider.unwrap(wrapped, context)).toEqual(new Uint8Array(32))
  })

  test('is never written through a link that somebody laid where its draft goes [SEAL-2]', async () => {
    const made = options()
    const draft = `.file-${Buffer.from(drawnAfterKey(made)).toString('base64url')}.new`
    const target = join(folder, 'target')
    await mkdir(join(made.path, '..'), { recursive: true })
    await symlink(target, join(made.path, '..', draft))
    await expect(fileKeyProvider({ ...made, random: seededRandom(files) })).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(stat(target)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('is made private, whole, and read again with the same key [SEAL-2]', async () => {
    const made = options()
    const wrapped = await (await fileKeyProvider(made)).wrap(new Uint8Array(32), context)
    expect((await stat(made.path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(made.path, '..'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(made.path, '..'))).toEqual(['recollect.key'])
    const again = await fileKeyProvider({ ...made, random: seededRandom(999), sealedData: async () => true })
    expect((await again.unwrap(wrapped, context)).length).toBe(32)
  })

  test('made by ten starts at once is one key [SEAL-2]', async () => {
    const made = options()
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => fileKeyProvider({ ...made, random: seededRandom(100 + i) })))
    expect(new Set(all.map((one) => one.info.activeKeyId)).size).toBe(1)
  })

  test('missing beside sealed data: the start fails, names the path, and makes no new key [SEAL-2]', async () => {
    const made = options({ sealedData: async () => true })
    const error = await fileKeyProvider(made).catch((thrown: unknown) => thrown)
    expect(error).toEqual(broken)
    expect(String(error)).toContain(made.path)
    await expect(stat(made.path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601, 0o666, 0o610])
    test(`with mode ${mode.toString(8)} is refused, with the command that mends it [TST-11]`, async () => {
      const made = options()
      await fileKeyProvider(made)
      await chmod(made.path, mode)
      const error = await fileKeyProvider(made).catch((thrown: unknown) => thrown)
      expect(error).toEqual(refused)
      expect((error as { nextStep: string }).nextStep).toBe(`Run: chmod 600 ${made.path}`)
      expect((await stat(made.path)).mode & 0o777).toBe(mode) // never repaired
    })

  test('of another user is refused [TST-11]', async () => {
    const made = options()
    await fileKeyProvider(made)
    await expect(fileKeyProvider({ ...made, uid: (uid ?? 0) + 1 })).rejects.toEqual(refused)
  })

  test('that is a symbolic link, dangling or not, is refused and not followed [TST-11]', async () => {
    const made = options()
    await fileKeyProvider(made)
    const links = options()
    await mkdir(join(links.path, '..'), { recursive: true })
    await symlink(made.path, links.path)
    await expect(fileKeyProvider(links)).rejects.toEqual(refused)
    const dangling = options()
    await mkdir(join(dangling.path, '..'), { recursive: true })
    await symlink(join(folder, 'nowhere'), dangling.path)
    await expect(fileKeyProvider(dangling)).rejects.toEqual(refused)
    await expect(stat(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' })
    await link(made.path, `${made.path}.hard`) // a hard link is the same regular file
    expect((await fileKeyProvider({ ...made, path: `${made.path}.hard` })).info.name).toBe('file')
  })

  test('that is a folder or a pipe is refused, and does not hang the start [TST-11]', async () => {
    const asFolder = options()
    await mkdir(asFolder.path, { recursive: true })
    await expect(fileKeyProvider(asFolder)).rejects.toEqual(refused)
    const asPipe = options()
    await mkdir(join(asPipe.path, '..'), { recursive: true })
    execFileSync('mkfifo', ['-m', '600', asPipe.path])
    await expect(fileKeyProvider(asPipe)).rejects.toEqual(refused)
  })

  const id = { id: 'k', createdAt: 1, key: Buffer.alloc(32).toString('base64url') }
  const unknown: Record<string, string> = {
    empty: '',
    'no JSON': 'secret-canary',
    null: 'null',
    'another format': JSON.stringify({ format: 'recollect-keys-2', active: 'k', keys: [id] }),
    'no active key': JSON.stringify({ format: 'recollect-keys-1', keys: [id] }),
    'an active key that is not there': JSON.stringify({ format: 'recollect-keys-1', active: 'x', keys: [id] }),
    'a short key': JSON.stringify({ format: 'recollect-keys-1', active: 'k', keys: [{ ...id, key: 'AAAA' }] }),
    'a key without an id': JSON.stringify({ format: 'recollect-keys-1', active: 'k', keys: [{}] }),
    'too large': `${JSON.stringify({ format: 'recollect-keys-1', active: 'k', keys: [id] })}${' '.repeat(70_000)}`,
  }
  for (const [what, text] of Object.entries(unknown))
    test(`with garbage in it (${what}) is refused, left as it is, and not quoted [TST-11]`, async () => {
      const made = options()
      await mkdir(join(made.path, '..'), { recursive: true })
      await writeFile(made.path, text, { mode: 0o600 })
      const error = await fileKeyProvider(made).catch((thrown: unknown) => thrown)
      expect(error).toEqual(broken)
      expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain('canary')
      expect(await readFile(made.path, 'utf8')).toBe(text)
    })

  test('a key of the caller must be 32 secret bytes [SEAL-2]', () => {
    for (const bytes of [0, 16, 31, 33].filter((n) => n > 0))
      expect(() => memoryKeyProvider({ random: seededRandom(1), key: createSecretKey(new Uint8Array(bytes)) })).toThrow(refused)
  })
})
