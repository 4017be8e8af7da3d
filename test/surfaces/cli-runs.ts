// Runs the built command as a user does: a process of its own, an environment of its own, no terminal.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export const bin = path.join(import.meta.dirname, '..', '..', 'dist', 'bin.js')
export const built = existsSync(bin) // `npm test` builds first

export interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Place {
  readonly folder: string
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  run(args: readonly string[], more?: { readonly env?: Record<string, string>; readonly input?: string; readonly node?: string }): Promise<Run>
  /** Starts a command, and leaves it running. */
  start(args: readonly string[], more?: Record<string, string>): { readonly child: ChildProcess; readonly ended: Promise<Run> }
  /** Starts `serve` on a free port and waits for its URL. */
  serve(more?: { readonly env?: Record<string, string>; readonly args?: readonly string[] }): Promise<Served>
  remove(): Promise<void>
}

export interface Served {
  readonly url: string
  readonly out: string
  readonly key: string | undefined
  end(...signals: NodeJS.Signals[]): Promise<Run>
}

/** A folder of its own, whose name tells nothing to the commands beside it. */
export async function aPlace(): Promise<Place> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-cli-'))
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, RECOLLECT_DATA_DIR: path.join(folder, 'data'), RECOLLECT_GATEWAY_PORT: '0' }
  const running = new Set<ChildProcess>()
  const start = (args: readonly string[], more: Record<string, string> = {}, node = process.execPath) => {
    const child = spawn(node, [bin, ...args], { cwd: folder, env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
    const ended = new Promise<Run>((resolve) =>
      child.on('close', (code) => {
        running.delete(child)
        resolve({ code, ...said })
      }),
    )
    return { child, said, ended }
  }
  return {
    folder,
    dataDir: env.RECOLLECT_DATA_DIR,
    env,
    start,
    run(args, { env: more, input = '', node } = {}) {
      const { child, ended } = start(args, more, node)
      child.stdin.on('error', () => {}) // it may end before it reads
      child.stdin.end(input)
      return ended
    },
    async serve({ env: more, args = [] } = {}) {
      const { child, said, ended } = start(['serve', ...args], more)
      const url = await new Promise<string>((resolve, reject) => {
        const look = () => {
          const found = /serves on (http\S+)/.exec(said.out)?.[1]
          if (found !== undefined && said.out.includes('dry-run')) resolve(found)
        }
        child.stdout.on('data', look)
        void ended.then(({ err }) => reject(new Error(`serve ended: ${err}`)))
      })
      return {
        url,
        out: said.out,
        key: /rec_[a-z0-9_]+/.exec(said.out)?.[0],
        end: (...signals) => {
          for (const signal of signals.length === 0 ? (['SIGTERM'] as const) : signals) child.kill(signal)
          return ended
        },
      }
    },
    async remove() {
      for (const child of running) child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
