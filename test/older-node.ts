// The Nodes that tests start beside their own: those that the set-up brings (RUN-1), and one that is too old, where the machine has one.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

export const root = path.join(import.meta.dirname, '..')

/** The binary of that line; it may be missing where tests are run by hand. */
export const olderNode = (line: '22' | '22.13') =>
  path.join(root, 'scripts/older-nodes/node_modules', `node-${line}-${process.platform}-${process.arch}`, 'bin/node')

/** A Node on the PATH, or where systems put theirs, that is older than the least we run on. */
export async function tooOldNode(): Promise<string | undefined> {
  const places = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/local/bin'].map((folder) => path.join(folder, 'node'))
  for (const file of new Set(places)) {
    const { stdout } = await promisify(execFile)(file, ['--version']).catch(() => ({ stdout: '' }))
    const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(stdout) ?? []
    if (major !== '0' && (Number(major) < 22 || (major === '22' && Number(minor) < 13))) return file
  }
  return undefined
}
