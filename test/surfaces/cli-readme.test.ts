// The README's code runs as it stands, and does what its comments say; its commands are commands (REL-10).
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'
import { aPlace, built } from './cli-runs.ts'

const root = path.join(import.meta.dirname, '..', '..')
const readme = await readFile(path.join(root, 'README.md'), 'utf8')

test.skipIf(!built)('the code of the README finds what it said, and erases it [REL-10]', { timeout: 60_000 }, async () => {
  const place = await aPlace()
  const code = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const shown = code
    .replace(/^await (alice\.memories\.search\(.*\))$/m, 'const { hits } = await $1')
    .replace(/^await (alice\.erase\(\)).*$/m, 'const { clean } = await $1')
  await mkdir(path.join(place.folder, 'node_modules'))
  await writeFile(path.join(place.folder, 'package.json'), '{}') // a package of its own, whatever lies above it
  await symlink(root, path.join(place.folder, 'node_modules', 'recollect'))
  const file = path.join(place.folder, 'readme.mjs')
  const tell = 'console.log(JSON.stringify([context.messages.length, context.receipt.id !== "", hits.map((hit) => hit.record.text), clean]))'
  await writeFile(file, `${shown}\n${tell}\nawait recollect.close()\n`)
  const said = await new Promise<string>((resolve) =>
    execFile(process.execPath, [file], { cwd: place.folder }, (error, out, err) => resolve(error === null ? out : err)),
  )
  await place.remove()
  expect(JSON.parse(said)).toEqual([1, true, ['I moved to Lisbon, and I am vegetarian.'], true])
})

test.skipIf(!built)('each command that the README gives after `npm start --` is one [REL-10]', { timeout: 60_000 }, async () => {
  const place = await aPlace()
  const given = [...readme.matchAll(/`npm start -- ([^`]+)`/g)].map(([, line]) =>
    (line as string).match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')),
  )
  const codes: (number | null)[] = []
  for (const args of given) codes.push((await place.run(args ?? [])).code)
  await place.remove()
  expect(given.length).toBeGreaterThan(0)
  expect(codes.filter((code) => code !== 0)).toEqual([])
})

test.skipIf(!built)('the dry-run that the first start prints is a command that shows the prompt [RUN-7]', { timeout: 60_000 }, async () => {
  const place = await aPlace()
  const served = await place.serve()
  const line = served.out.split('\n').find((one) => one.includes('recollect-mode: dry-run')) ?? ''
  const said = await new Promise<string>((resolve) => execFile('sh', ['-c', line], (error, out) => resolve(error === null ? out : error.message)))
  await served.end()
  await place.remove()
  expect(said).toContain('I live in Lisbon.')
})
