// What commander says of a command line, as an error of ours. What was typed may be content or a secret, so only names are repeated (CLI-6).
import type { Command, CommanderError, Option } from 'commander'
import { RecollectError } from '../core/errors.ts'
import { hint, nearest } from '../core/nearest.ts'

const quoteNext = 'Put a text of several words in quotes.'

export const optionsOf = (command: Command): readonly Option[] => [...command.options, ...command.commands.flatMap(optionsOf)]

/** The long flags that take a value. */
export const valuedIn = (options: readonly Option[]): ReadonlySet<string> =>
  new Set(options.flatMap(({ required, long }) => (required && typeof long === 'string' ? [long] : [])))

/** The nearest command or flag is one of ours; so are the flags and arguments that commander names in the cases left as they are. */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): RecollectError {
  const said = error.message.replace(/^error: /, '')
  const options = optionsOf(program)
  const at = commandAt(program, argv)
  const helpNext = `See ${fullName(at)} --help, or docs/reference/cli.md.`
  const refused = (what: string, next = helpNext) => new RecollectError('invalid_input', what, next)
  switch (error.code) {
    case 'commander.help': // a group without its command
      return refused('the command is missing')
    case 'commander.unknownCommand':
      return refused(`there is no such command${nearestCommand(/^unknown command '([^']*)'/.exec(said)?.[1] ?? '', at, program)}`)
    case 'commander.unknownOption': {
      const name = /^unknown option '(--[a-z][a-z-]{0,40})(?:[='])/.exec(said)?.[1]
      const known = options.map(({ long }) => long ?? '')
      const missing = () => (known.includes(name ?? '') ? `this command has no flag ${name}` : `there is no flag ${name}${hint(name ?? '', known)}`)
      return refused(
        name === undefined ? 'there is no such flag' : missing(),
        `${helpNext} What begins with a hyphen and is no flag stands after --.`,
      )
    }
    case 'commander.excessArguments': {
      const [, command, wanted, given] = /^too many arguments(?: for '([^']*)')?\. Expected (\d+) arguments? but got (\d+)/.exec(said) ?? []
      return refused(
        `${command ?? 'the command'} takes ${wanted} argument${wanted === '1' ? '' : 's'}; given ${given}`,
        wanted === '0' ? helpNext : quoteNext,
      )
    }
    case 'commander.invalidArgument': {
      const option = options.find(({ flags }) => said.startsWith(`option '${flags}' `))
      return refused(`${option?.long ?? 'an argument'} must be one of ${option?.argChoices?.join(', ') ?? 'its choices'}`)
    }
    case 'commander.missingArgument':
    case 'commander.optionMissingArgument':
    case 'commander.missingMandatoryOptionValue':
      return refused(said.split('\n')[0] as string)
    default:
      return refused('the command line cannot be read')
  }
}

const fullName = (command: Command): string => (command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`)

/** The command that the words name, as deep as they go. */
function commandAt(program: Command, argv: readonly string[]): Command {
  const valued = valuedIn(optionsOf(program))
  return argv.reduce((at, arg, i) => (valued.has(argv[i - 1] ?? '') ? at : (at.commands.find((one) => one.name() === arg) ?? at)), program)
}

/** By its last word, of the group that was named before those of others. */
function nearestCommand(word: string, at: Command, program: Command): string {
  const all = [at, program, ...program.commands].flatMap(({ commands }) => commands)
  const near = nearest(
    word,
    all.map((one) => one.name()),
  )
  const found = all.find((one) => one.name() === near)
  return found === undefined ? '' : `; did you mean ${fullName(found).slice(program.name().length + 1)}?`
}
