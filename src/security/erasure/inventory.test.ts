import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cryptoInventory } from './inventory.ts'

const textOf = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')

test('the inventory names each purpose that a key is derived for, and no other [SEAL-21]', () => {
  const lines = [...(textOf('derive.ts') + textOf('owner-keys.ts')).matchAll(/export type (?:Data|Subject|Mac)Purpose = (.*)/g)]
  const purposes = lines.flatMap((line) => [...line[1]!.matchAll(/'([a-z-]+)'/g)].map((match) => `recollect/v1/${match[1]}`))
  const listed = cryptoInventory.map((row) => row.key).filter((key) => key.startsWith('recollect/v1/'))
  expect(listed.toSorted()).toEqual(purposes.toSorted())
  expect(listed.length).toBe(9)
})

test('no file but the few that the inventory stands for calls a cipher or a hash [SEAL-21]', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'data-fence.ts')
  const callers = files.filter((name) => /createCipheriv|createHmac|hkdfSync|createHash/.test(textOf(name)))
  expect(callers.toSorted()).toEqual(['derive.ts', 'kek-ring.ts', 'seal.ts', 'sealed-token.ts'])
})
