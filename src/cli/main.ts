// The command line: every command and flag on one page, parsed by commander; what they do stands beside (surfaces.md §6).
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { debugging, environment } from '../config/environment.ts'
import { loadConfiguration, type Configuration } from '../config/load.ts'
import { flagOf, settings, type SettingName } from '../config/settings.ts'
import { exitCodes } from './exit-codes.ts'
import { inWork, type Work } from './work.ts'
import { createKey, listKeys, revokeKey, rotateKey } from './commands/keys.ts'
import { erase, forget, memories, remember, search, stats, sweep } from './commands/memory.ts'
import { context, deleteSession, listSessions, receipt, showSession } from './commands/sessions.ts'
import { refuse, watchOutput } from './terminal.ts'
import { optionsOf, usageError, valuedIn } from './usage-error.ts'

export const version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version

/** Runs a command line, without the program's name; gives the exit code (CLI-7). */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0
  let help = ''
  const program = commands(
    async (run) => {
      code = await run()
    },
    (text) => void (help += text),
  )
  const json = argv.includes('--json')
  const written = watchOutput()
  try {
    await program.parseAsync(idsBehind(argv, optionsOf(program)), { from: 'user' })
    return (await written()) ? code : exitCodes.unavailable
  } catch (error) {
    if (!(error instanceof CommanderError)) return refuse(error, json, debugging())
    if (error.exitCode === 0) return 0
    if (json || error.code !== 'commander.help') return refuse(usageError(error, program, argv), json, false)
    process.stderr.write(help) // a group without its command: what it has
    return exitCodes.invalid_input
  }
}

/** Ids are base64url and may begin with a hyphen. Such a one, and the arguments after it, stand behind `--`, where nothing is a flag. */
function idsBehind(argv: readonly string[], options: readonly Option[]): string[] {
  const flags = new Set(options.map(({ long }) => long))
  const valued = valuedIn(options)
  const isValue = (at: number) => valued.has(argv[at - 1] ?? '')
  const first = argv.findIndex((arg, at) => /^-[\w-]{21}$/.test(arg) && !flags.has(arg) && !isValue(at))
  if (first < 0 || argv.includes('--')) return [...argv]
  const isFlag = (arg: string, at: number) => at !== first && (flags.has(arg) || isValue(at))
  return [...argv.filter((arg, at) => at < first || isFlag(arg, at)), '--', ...argv.filter((arg, at) => at >= first && !isFlag(arg, at))]
}

type Runner = (run: () => Promise<number>) => Promise<void>
type Action = (work: Work, ...args: any[]) => Promise<number>
type Nested = (parent: Command, name: string, description: string, action: Action) => Command

/** The program; also read by the documents. `complain` takes what commander would write to stderr. What takes long to load is loaded by the command that needs it. */
export function commands(run: Runner, complain: (text: string) => void): Command {
  const program = new Command('recollect')
  program
    .description('Session memory for LLM applications.')
    .version(version)
    .option('--config <FILE>', 'settings; else recollect.json in the working folder')
    .option('--url <URL>', 'run on a gateway, with the key in RECOLLECT_KEY or --key-file')
    .option('--key-file <FILE>', 'file that holds the API key')
    .option('--tenant <NAME>', 'in process: the tenant', 'default')
    .option('--owner <NAME>', 'the owner; default me in process, and that of the key on a gateway')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no notes and no progress')
    .option('--no-color', 'nothing is told by colour')
    .option('--yes', 'do not ask')
    .option('--timeout-ms <N>', 'of one call to a gateway', '60000')
    .exitOverride()
    .configureOutput({ writeErr: complain })
    .showSuggestionAfterError(false) // ours knows the commands of groups as well
    .configureHelp({ minWidthToWrap: 20 }) // 80 columns suffice, beside the longest flag (CLI-5)
    // `npm start -- --help` is that of serve, whose flags are the settings: so it has the whole page
    .addHelpText('afterAll', ({ command }) =>
      command === program
        ? ''
        : command.name() === 'serve'
          ? `\n${program.helpInformation()}`
          : '\nFlags of every command, and of each setting: recollect --help\n',
    )
  for (const option of settingFlags.values()) program.addOption(option)
  const nested: Nested = (parent, name, description, action) =>
    parent
      .command(name)
      .description(description)
      .action(async (...args: unknown[]) => run(() => inWork(program.opts(), configurationOf(program), (work) => action(work, ...args))))
  const works = (name: string, description: string, action: Action): Command => nested(program, name, description, action)

  program
    .command('serve')
    .description('serve the gateway; prints its URLs')
    .action(async () =>
      run(async () => (await import('./serve.ts')).serve(configurationOf(program), version, (line) => void process.stdout.write(`${line}\n`))),
    )
  works('chat', 'talk to the upstream in the terminal; without one, show the context', async (work, flags) =>
    (await import('./commands/chat.ts')).chat(work, flags),
  )
    .option('--session <NAME>', 'session', 'chat')
    .option('--model <NAME>', 'model', 'default')
    .option('--budget-tokens <N>', 'tokens of a prompt')
  works('context <session>', 'what a model would see, with its receipt; writes nothing', context)
    .option('--budget-tokens <N>', 'tokens of the prompt')
    .option('--model <NAME>', 'model name or profile')
    .addOption(new Option('--format <FORMAT>', 'form of the messages').choices(['neutral', 'openai-chat']))
    .addOption(new Option('--strategy <NAME>', 'strategy').choices(['slidingWindow', 'summary', 'hybrid']))
    .option('--explain', 'the receipt as well')
  works('search <query>', 'find memories', search)
    .option('--limit <N>', 'at most so many of the trusted list')
    .option('--kinds <KINDS>', 'episodic,semantic,procedural')
    .option('--at <DATE>', 'valid at this time')
    .option('--explain', 'why, and why not')
  works('memories', 'list memories, newest first', memories).option('--limit <N>', 'at most so many', '50')
  works('remember <text>', 'remember something, word for word', remember)
    .addOption(new Option('--kind <KIND>', 'kind of memory').choices(['episodic', 'semantic', 'procedural']))
    .option('--slot <SLOT>', 'what it is a value of')
  works('forget <id>', 'forget one memory for good', forget).option('--sources', 'the messages it was said in as well')
  const sessions = program.command('sessions').description('list, show or delete sessions')
  nested(sessions, 'list', 'newest first', listSessions).option('--limit <N>', 'at most so many', '50')
  nested(sessions, 'show <id>', 'one session', showSession)
  nested(sessions, 'delete <id>', 'delete a session, and forget what rests on it alone', deleteSession)
  works('receipt [id] [other]', 'a receipt, or what changed between two; without an id, list those of a session', receipt)
    .requiredOption('--session <NAME>', 'session of the receipts')
    .option('--limit <N>', 'list at most so many', '50')
  works('erase', 'erase everything of the owner, and prove it', erase).option('--dry-run', 'only count')
  works('stats', 'the four figures', stats).option('--session <NAME>', 'of one session').option('--since <DATE>', 'from this time on')
  works('sweep', 'remove what has expired', sweep).option('--dry-run', 'only list').option('--until <TIME>', 'with --dry-run: by this time')
  addMeasures(program, run)
  addKeys(program, nested)
  return program
}

/** A flag for each setting, from the one table (CFG-1). */
const settingFlags: ReadonlyMap<SettingName, Option> = new Map(
  (Object.keys(settings) as SettingName[]).flatMap((name) => {
    const flag = flagOf(name)
    return flag === undefined ? [] : [[name, new Option(`${flag} <VALUE>`, settings[name].reason).helpGroup('Settings:')] as const]
  }),
)

function configurationOf(program: Command): Configuration {
  const options = program.opts() as Readonly<Record<string, string | undefined>>
  const flags = Object.fromEntries([...settingFlags].map(([name, option]) => [name, options[option.attributeName()]]))
  const { config } = options
  return loadConfiguration({ flags, environment, ...(config === undefined ? {} : { file: config }) })
}

function addMeasures(program: Command, run: Runner): void {
  const evals = program.command('eval').description('measure on data given by path')
  evals
    .command('retrieval')
    .description('recall over a public data set')
    .option('--data <PATH>', 'file or folder of the data')
    .addOption(new Option('--format <FORMAT>', 'shape of the data').choices(['locomo', 'realtalk', 'beam', 'longmemeval', 'jsonl']))
    .option('--arms <ARMS>', 'hybrid,lexical,dense')
    .option('--categories <NAMES>', 'only these')
    .option('--limit <N>', 'ask at most so many questions, drawn by the seed')
    .option('--seed <N>', 'of draws and intervals', '1')
    .option('--out <FILE>', 'write the result there as well')
    .action(async (flags: Record<string, string | undefined>) =>
      run(async () => (await import('./commands/evaluate.ts')).evaluate(flags, program.opts(), configurationOf(program))),
    )
  program
    .command('doctor')
    .description('the effective configuration, and checks of everything it names')
    .action(async () => run(async () => (await import('./commands/doctor.ts')).doctor(() => configurationOf(program), program.opts())))
}

function addKeys(program: Command, nested: Nested): void {
  const keys = program.command('keys').description('API keys of the tenant')
  nested(keys, 'create', 'make a key; its secret is shown once', createKey)
    .requiredOption('--name <NAME>', 'name of the key')
    .addOption(new Option('--user-text <ORIGIN>', 'what unlabelled user text counts as').choices(['user-typed', 'paste']).makeOptionMandatory())
    .option('--roles <ROLES>', 'owner,tenant-reader,tenant-admin,operator,auditor', 'owner')
    .option('--grants <GRANTS>', 'act-for-owner')
    .option('--for <OWNER>', 'owner of the key; default --owner, or without one where the key acts for owners')
    .option('--expires <DATE>', 'end of the key; default 90 days')
  nested(keys, 'list', 'keys without secrets', listKeys)
  nested(keys, 'rotate <id>', 'a new secret for the same name', rotateKey)
  nested(keys, 'revoke <id>', 'end a key', revokeKey)
}
