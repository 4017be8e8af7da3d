// Where a result was made: the machine in one line, and the commit of the code (EVAL-6).
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { arch, cpus, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** `linux x64, 2 × CPU MODEL, 24 GiB, Node 24.1.0` */
export function describeMachine(): string {
  const cores = cpus()
  const model = cores[0]?.model.replace(/\s+/g, ' ').trim() || 'unknown processor'
  return `${platform()} ${arch()}, ${cores.length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}

const git = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)('git', args, { cwd: fileURLToPath(new URL('.', import.meta.url)) })
  return stdout.trim()
}

/** The commit that this code lies in, with `+` if files are changed; `unknown` outside of a clone of ours, as in an installed package. */
export async function currentCommit(): Promise<string> {
  try {
    // An installed package may lie in a clone of somebody else.
    const { name } = JSON.parse(await readFile(join(await git('rev-parse', '--show-toplevel'), 'package.json'), 'utf8')) as { name?: unknown }
    if (name !== 'recollect') return 'unknown'
    return (await git('rev-parse', '--short=12', 'HEAD')) + ((await git('status', '--porcelain', '--untracked-files=no')) === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}
