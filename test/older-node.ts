// Where the set-up puts the Nodes that tests start beside their own (RUN-1).
import path from 'node:path'

export const root = path.join(import.meta.dirname, '..')

/** The binary of that line; it may be missing where tests are run by hand. */
export const olderNode = (line: '22' | '22.13') =>
  path.join(root, 'scripts/older-nodes/node_modules', `node-${line}-${process.platform}-${process.arch}`, 'bin/node')
