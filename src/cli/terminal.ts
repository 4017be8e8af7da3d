// What the commands write, and where: the result alone on stdout, all else on stderr (CLI-3 to CLI-6).
import { createInterface } from 'node:readline/promises'
import { isRecollectError } from '../core/errors.ts'
import { bug, RecollectError } from '../core/errors.ts'
import { exitCodes } from './exit-codes.ts'

export interface Terminal {
  readonly json: boolean
  readonly quiet: boolean
  readonly interactive: boolean // stdin and stderr are a terminal
  /** One JSON document under --json, else lines. */
  result(value: unknown, lines: () => readonly string[]): void
  note(text: string): void
  /** Shows how far long work is: a bar on a terminal, else a line every 10 s; nothing under --quiet. */
  progress(done: number, total: number, what: string): void
  ask(question: string): Promise<string>
}

export interface TerminalParts {
  readonly json: boolean
  readonly quiet: boolean
  readonly dumb: boolean // it cannot move its cursor: lines, and no bar
  readonly now: () => number // ms that only grow
  readonly progressTo?: { readonly isTTY?: boolean; write(text: string): unknown } // default stderr
}

export function createTerminal({ json, quiet, dumb, now, progressTo = process.stderr }: TerminalParts): Terminal {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true
  let work = { what: '', began: 0, told: 0 }
  return {
    json,
    quiet,
    interactive,
    result: (value, lines) =>
      void process.stdout.write(
        json
          ? `${jsonLine(value)}\n`
          : lines()
              .map((line) => `${visible(line)}\n`)
              .join(''),
      ),
    note: (text) => {
      if (!quiet) process.stderr.write(`${visible(text)}\n`)
    },
    progress(done, total, what) {
      if (quiet) return
      if (work.what !== what) work = { what, began: now(), told: now() }
      const onTerminal = progressTo.isTTY === true && !dumb
      const spent = now() - work.began
      if (spent < 1_000 || (now() - work.told < (onTerminal ? 200 : 10_000) && done < total)) return
      work.told = now()
      const rate = done / (spent / 1_000)
      const left = rate > 0 ? Math.ceil((total - done) / rate) : 0
      const line = `${what}: ${done} of ${total}, ${rate.toFixed(1)} a second, ${left} s left`
      if (onTerminal)
        progressTo.write(
          `\r\u001b[K[${'#'.repeat(Math.round((20 * done) / Math.max(1, total))).padEnd(20, '.')}] ${line}${done >= total ? '\n' : ''}`,
        )
      else progressTo.write(`${line}\n`)
    },
    async ask(question) {
      const reader = createInterface({ input: process.stdin, output: process.stderr })
      reader.on('SIGINT', () => {
        reader.close() // the terminal is as it was before the signal ends us
        process.stderr.write('\n') // what comes next begins a line
        process.kill(process.pid, 'SIGINT')
      })
      const ended = new Promise<string>((resolve) => reader.on('close', () => resolve('')))
      try {
        return await Promise.race([reader.question(question), ended]) // the end of input is no name
      } finally {
        reader.close()
      }
    },
  }
}

/** Control and invisible characters as marks: text from memory must not move the cursor (CLI-3). */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/gu, (one) =>
    one === '\n' || one === '\t' ? one : `\\u{${(one.codePointAt(0) as number).toString(16)}}`,
  )

/** A count with its noun: `1 log`, `2 logs`. */
export const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`

/** JSON in which no character moves the cursor: what JSON leaves as it is, is escaped as well; the value stays the same. */
const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu,
    (one) => `\\u${(one.codePointAt(0) as number).toString(16).padStart(4, '0')}`,
  )

/** A reader that went away takes nothing from the command; a result that cannot be written is told, and fails it. Gives whether it could be. */
export function watchOutput(): () => Promise<boolean> {
  let written = true
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE' || !written) return
    written = false
    const next = 'The command has done its work; make room where its output goes.'
    refuse(new RecollectError('unavailable', 'the result cannot be written', next, { cause }), false, false)
  })
  process.stderr.on('error', () => {}) // nobody reads what is said
  return async () => {
    await new Promise((resolve) => setImmediate(resolve)) // a write that failed says so after the turn in which it was made
    return written
  }
}

/** Says what was thrown, and gives the exit code. No stack without RECOLLECT_DEBUG=1 (CLI-6). */
export function refuse(thrown: unknown, json: boolean, debug: boolean): number {
  const error = isRecollectError(thrown) ? thrown : bug('something went wrong inside Recollect', thrown)
  const requestId = error.details?.['requestId'] // of a gateway, by --url
  if (json) {
    const { code, message, nextStep, retryable, limit, given } = error
    const numbers = { ...(limit === undefined ? {} : { limit, given }), ...(requestId === undefined ? {} : { requestId }) }
    process.stderr.write(`${jsonLine({ type: `urn:recollect:error:${code}`, code, detail: message, nextStep, retryable, ...numbers })}\n`)
  } else
    process.stderr.write(
      `recollect: ${visible(error.message)} (${error.code}${requestId === undefined ? '' : `, request ${visible(String(requestId))}`})\n${visible(error.nextStep)}\n`,
    )
  if (debug) process.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? (error.cause.stack ?? '') : ''}\n`)
  return exitCodes[error.code]
}

/** The name must be typed, or --yes given; without a terminal only --yes counts (CLI-8). */
export async function confirm(terminal: Terminal, yes: boolean, name: string, what: string): Promise<void> {
  if (yes) return
  if (!terminal.interactive) throw new RecollectError('invalid_input', `${what}: that asks for confirmation, and this is no terminal`, 'Give --yes.')
  if ((await terminal.ask(`${what}. Type ${visible(name)} to go on: `)) !== name)
    throw new RecollectError('invalid_input', 'the name that was typed is another', 'Nothing was done; run the command again.')
}
