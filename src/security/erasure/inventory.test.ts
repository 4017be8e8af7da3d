import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cryptoInventory } from './inventory.ts'

const security = join(import.meta.dirname, '..')
const textOf = (name: string) => readFileSync(join(security, name), 'utf8')

test('the inventory names each purpose that a key is derived for, and no other [SEAL-21]', () => {
  const lines = [...(textOf('keys/derive.ts') + textOf('keys/owner-keys.ts')).matchAll(/export type (?:Data|Subject|Mac)Purpose = (.*)/g)]
  const purposes = lines.flatMap((line) => [...line[1]!.matchAll(/'([a-z-]+)'/g)].map((match) => `recollect/v1/${match[1]}`))
  const listed = cryptoInventory.map((row) => row.key).filter((key) => key.startsWith('recollect/v1/'))
  expect(listed.toSorted()).toEqual(purposes.toSorted())
  expect(listed.length).toBe(9)
})

test('no file but the few that the inventory stands for calls a cipher or a hash [SEAL-21]', () => {
  const files = readdirSync(security, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'data-fence.ts',
  )
  const callers = files.filter((name) => /createCipheriv|createHmac|hkdfSync|createHash/.test(textOf(name)))
  expect(callers.toSorted()).toEqual(['keys/derive.ts', 'keys/kek-ring.ts', 'keys/sealed-token.ts', 'sealing/seal.ts'])
})
