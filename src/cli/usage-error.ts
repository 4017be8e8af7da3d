// What commander says of a command line, as an error of ours. What was typed may be content or a secret, so only names are repeated (CLI-6).
import type { CommanderError, Option } from 'commander'
import { hint } from '../config/nearest.ts'
import { RecollectError } from '../core/errors.ts'

export const helpNext = 'See recollect --help, or docs/reference/cli.md.'
const quoteNext = 'Put a text of several words in quotes.'

/** The nearest command or flag is one of ours; so are the flags and arguments that commander names in the cases left as they are. */
export function usageError(error: CommanderError, options: readonly Option[]): RecollectError {
  const said = error.message.replace(/^error: /, '')
  const near = /\n\(Did (you mean [^\n]*\?)\)$/.exec(said)?.[1]
  const refused = (what: string, next = helpNext) => new RecollectError('invalid_input', what, next)
  switch (error.code) {
    case 'commander.unknownCommand':
      return refused(`there is no such command${near === undefined ? '' : `; did ${near}`}`)
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
