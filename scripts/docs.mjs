// Writes docs/reference/ from the tables of the built code; with --check it writes nothing and exits 1 where a page differs (REL-8).
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const folder = path.join(root, 'docs', 'reference')
const check = process.argv.includes('--check')
const load = (name) => import(new URL(`../dist/${name}`, import.meta.url).href)

if (!existsSync(path.join(root, 'dist', 'bin.js'))) {
  console.error('docs: nothing is built yet; run npm start or npm test once')
  process.exit(1)
}

const pages = {
  'errors.md': await errorsPage(),
  'limits.md': await limitsPage(),
  'http.md': await httpPage(),
  'openapi.json': await openapiPage(),
  'cli.md': await cliPage(),
  'cli.schema.json': await cliSchemaPage(),
  'config.md': await configPage(),
  'config.schema.json': await configSchemaPage(),
  'metrics.md': await metricsPage(),
  'events.md': await eventsPage(),
  'crypto.md': await cryptoPage(),
}

const textOf = (name) => (existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), 'utf8') : undefined)
const differing = Object.keys(pages).filter((name) => textOf(name) !== pages[name])
const strange = existsSync(folder) ? readdirSync(folder).filter((name) => !Object.hasOwn(pages, name)) : []
if (check) {
  for (const name of differing) console.error(`docs: docs/reference/${name} is out of step; run node scripts/docs.mjs`)
  for (const name of strange) console.error(`docs: docs/reference/${name} is made by no table`)
  process.exitCode = differing.length + strange.length > 0 ? 1 : 0
} else {
  mkdirSync(folder, { recursive: true })
  for (const name of differing) writeFileSync(path.join(folder, name), pages[name])
  console.log(`docs: ${differing.length} of ${Object.keys(pages).length} pages written`)
}

// --- pages --------------------------------------------------------------------------------------------------------------------

async function errorsPage() {
  const { errorCodes } = await load('core/errors.js')
  const { exitCodes } = await load('cli/exit-codes.js')
  const rows = Object.entries(errorCodes).map(([code, { status, retryable }]) => [code, status, retryable ? 'yes' : 'no', exitCodes[code]])
  return page(
    'Errors',
    'Every error is a `RecollectError` with one of these codes, a message that states the limit and what was given, and a next step. No message holds content.',
    table(['code', 'HTTP status', 'the same call may succeed later', 'exit code'], rows),
    'Over HTTP: problem details (RFC 9457) with the type `urn:recollect:error:CODE` on native routes, the shape of OpenAI on `/v1`.',
    '405 and 415 carry the code `invalid_input`. The exit code 1 also says that a command ran and found a fault.',
  )
}

/** Names and values from the table, units and reasons from its comments. */
async function limitsPage() {
  const { limits } = await load('core/limits.js')
  const parts = []
  let rows
  for (const line of readFileSync(path.join(root, 'src', 'core', 'limits.ts'), 'utf8').split('\n')) {
    const heading = /^ {2}\/\/ (.+)$/.exec(line)?.[1]
    const [, name, reason = ''] = /^ {2}(\w+): .*?,(?: \/\/ (.*))?$/.exec(line) ?? []
    if (heading !== undefined && (rows === undefined || rows.length > 0)) parts.push([heading, (rows = [])])
    if (name !== undefined && Object.hasOwn(limits, name)) rows.push([`\`${name}\``, limits[name].toLocaleString('en'), reason])
  }
  const told = parts.flatMap(([, made]) => made).length
  if (told !== Object.keys(limits).length) throw new Error(`limits.ts has ${Object.keys(limits).length} limits, and ${told} of them can be read`)
  return page(
    'Limits',
    'Every number that bounds something. A name ends in its unit where it is not a plain count.',
    ...parts.flatMap(([heading, made]) => [`## ${heading[0].toUpperCase()}${heading.slice(1)}`, table(['limit', 'value', 'reason or rule'], made)]),
  )
}

async function rowsOfGateway() {
  const { routeTable, openapiDocument } = await load('gateway/index.js')
  return { rows: routeTable({}), openapiDocument }
}

async function httpPage() {
  const { rows } = await rowsOfGateway()
  const { modelTable } = await load('gateway/openai/model-routes.js')
  const { roleTable } = await load('security/access/role-policy.js')
  const model = modelTable.filter((row) => row.path.startsWith('/v1'))
  return page(
    'HTTP',
    'The native routes; schemas are in [openapi.json](openapi.json). `action` is what the policy is asked. A key goes in `authorization: Bearer`.',
    table(
      ['method', 'path', 'does', 'action', 'of', 'takes'],
      rows.map((row) => [
        row.method,
        `\`${row.path}\``,
        row.summary,
        row.access,
        row.scope,
        [row.ifMatch && 'If-Match', typeof row.retry === 'object' && 'Idempotency-Key'].filter(Boolean).join(', '),
      ]),
    ),
    '## OpenAI-compatible routes',
    'Each stands under `/v1` and under `/s/SESSION/v1`, where SESSION names the session. Unknown fields go to the upstream as they are.',
    table(
      ['method', 'path', 'does'],
      model.map(({ method, path: at, summary }) => [method, `\`${at}\``, summary]),
    ),
    'What a chat request may say of itself, in headers:',
    table(
      ['header', 'meaning'],
      [
        ['`recollect-session`', 'The session, percent-encoded, where the path names none. Without any name the call goes on without memory.'],
        ['`recollect-owner`', 'The owner, for keys with the grant act-for-owner.'],
        [
          '`recollect-mode`',
          'full (default); record: stored, but the prompt stays as sent; off: passed on alone; dry-run: the context, without a model and without storing.',
        ],
        ['`recollect-history`', 'full: the messages are the whole history; tail: only what is new. Without it they are aligned with the log.'],
        ['`recollect-turn`', 'wait (default) or refuse, while another turn of the session runs.'],
      ],
    ),
    'Its answer carries `recollect-session`, `-mode`, `-receipt`, `-context-tokens` and `-recalled` (memories put in), and where they apply `-degraded`, `-history` (unknown or altered) and `-upstream-id`; an error carries `recollect-error-source`: recollect or upstream.',
    '## Roles',
    'Which role of a key may do which action. A key with the role owner acts for its own owner, and with the grant act-for-owner for any of its tenant.',
    table(
      ['action', 'roles'],
      Object.entries(roleTable).map(([action, roles]) => [action, Object.keys(roles).join(', ')]),
    ),
  )
}

async function openapiPage() {
  const { rows, openapiDocument } = await rowsOfGateway()
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  return `${JSON.stringify(openapiDocument(rows, version), undefined, 2)}\n`
}

async function cliPage() {
  const { commands } = await load('cli/main.js')
  const { exitCodes } = await load('cli/exit-codes.js')
  const program = commands(
    async () => {},
    () => {},
  )
  const leaves = (command, before) =>
    command.commands.flatMap((one) => (one.commands.length > 0 ? leaves(one, `${before}${one.name()} `) : [[`${before}${one.name()}`, one]]))
  const flags = (command) =>
    table(
      ['flag', 'meaning'],
      command.options.map((one) => [
        `\`${one.flags}\``,
        [
          one.description,
          one.argChoices === undefined ? '' : `one of ${one.argChoices.join(', ')}`,
          one.mandatory ? 'required' : '',
          one.defaultValue === undefined || typeof one.defaultValue === 'boolean' ? '' : `default ${one.defaultValue}`,
        ]
          .filter((part) => part !== '')
          .join('; '),
      ]),
    )
  const argument = (one) => (one.required ? ` <${one.name()}>` : ` [${one.name()}]`)
  return page(
    'Command line',
    '`npm start -- COMMAND` in a clone, `recollect COMMAND` where the package is installed. The result alone goes to stdout; notes, progress and errors to stderr. [cli.schema.json](cli.schema.json) says what each command prints under `--json`; an error is then the problem object, on stderr.',
    '## Flags of every command',
    flags(program),
    ...leaves(program, '').flatMap(([name, command]) => [
      `## ${name}`,
      `\`recollect ${name}${command.registeredArguments.map(argument).join('')}\`: ${command.description()}.`,
      ...(command.options.length > 0 ? [flags(command)] : []),
    ]),
    '## Exit codes',
    table(
      ['code', 'when'],
      [
        [0, 'done'],
        [1, 'it ran and found a fault: residue, a failed check; or a bug of ours (`internal`)'],
        ...[...new Set(Object.values(exitCodes))]
          .filter((code) => code > 1)
          .toSorted((a, b) => a - b)
          .map((code) => [
            code,
            Object.keys(exitCodes)
              .filter((one) => exitCodes[one] === code)
              .map((one) => `\`${one}\``)
              .join(', '),
          ]),
        ['130, 143', 'a second SIGINT or SIGTERM'],
      ],
    ),
  )
}

async function configPage() {
  const { flagOf, settings, variableOf } = await load('config/settings.js')
  const shown = (value) => (value === undefined ? '' : `\`${JSON.stringify(value)}\``)
  return page(
    'Configuration',
    'Flags win over the environment, the environment over the file, the file over defaults. The file is `--config FILE`, else `recollect.json` in the working folder; a dot in a name is a level in the file. No setting at all is a working set-up.',
    table(
      ['setting', 'variable', 'flag', 'default', 'meaning'],
      Object.entries(settings).map(([name, { fallback, reason, secret }]) => [
        `\`${name}\``,
        `\`${variableOf(name)}\``,
        flagOf(name) === undefined ? '' : `\`${flagOf(name)}\``,
        shown(fallback),
        secret ? `${reason} Secret: in a file only as \`{ "env": NAME }\` or \`{ "file": PATH }\`.` : reason,
      ]),
    ),
    'A secret has no flag: it comes from the environment or by reference. [config.schema.json](config.schema.json) is the JSON Schema of the file; the package has it as `recollect/schema.json`.',
    '`RECOLLECT_KEY` is the API key of commands with `--url`; `RECOLLECT_DEBUG=1` shows stacks; any other variable that begins so is an error.',
  )
}

async function configSchemaPage() {
  const { settingsSchema } = await load('config/json-schema.js')
  return `${JSON.stringify(settingsSchema(), undefined, 2)}\n`
}

/** What each command prints under --json, by its name. */
async function cliSchemaPage() {
  const { outputs } = await load('cli/outputs.js')
  const { z } = await import('zod')
  const schemaOf = (schema) => {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { unrepresentable: 'any' })
    return rest
  }
  const $defs = Object.fromEntries(Object.entries(outputs).map(([command, schema]) => [command, schemaOf(schema)]))
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'What recollect COMMAND --json prints', $defs }, undefined, 2)}\n`
}

async function metricsPage() {
  const { metrics } = await load('telemetry/names.js')
  return page(
    'Metrics',
    '`GET /metrics`, in the text format of Prometheus. Labels come from closed lists: no tenant, owner, session or record is in one.',
    table(
      ['metric', 'kind', 'meaning', 'labels'],
      Object.entries(metrics).map(([name, { kind, help, labels = {} }]) => [
        `\`${name}\``,
        kind,
        help,
        Object.entries(labels)
          .map(([label, values]) => (values === 'open' ? label : `${label}: ${values.join(', ')}`))
          .join('; '),
      ]),
    ),
  )
}

async function eventsPage() {
  const { events } = await load('telemetry/names.js')
  const { logFields } = await load('ports/telemetry.js')
  return page(
    'Log events',
    'JSON lines on stderr, at or above `log.level`. Each has `time`, `level` and `event`; what is not listed here is dropped and counted.',
    table(
      ['event', 'says'],
      Object.entries(events).map(([name, text]) => [`\`${name}\``, text]),
    ),
    `Fields: ${logFields.map((name) => `\`${name}\``).join(', ')}.`,
  )
}

async function cryptoPage() {
  const { cryptoInventory } = await load('security/erasure/inventory.js')
  return page(
    'Keys and algorithms',
    'Every key in use.',
    table(
      ['key', 'algorithm', 'purpose', 'bits', 'life', 'lies', 'used by'],
      cryptoInventory.map(({ key, algorithm, purpose, bits, life, lies, usedBy }) => [key, algorithm, purpose, bits, life, lies, usedBy]),
    ),
  )
}

// --- Markdown -----------------------------------------------------------------------------------------------------------------

function page(title, ...blocks) {
  return `# ${title}\n\nMade by \`scripts/docs.mjs\` from the tables in the code.\n\n${blocks.join('\n\n')}\n`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
