// Which Node is taken, from the least that `engines` names.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { requireNode } from './node-version.ts'

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } }

test('a Node from the least that the package names is taken, an older one refused by its version [RUN-1]', () => {
  const least = engines.node.replace('>=', '')
  for (const version of [`${least}.0`, '22.23.1', '23.0.0', '24.21.0']) expect(() => requireNode(version)).not.toThrow()
  for (const version of ['18.0.0', '20.20.2', '22.12.9', '21.99.0'])
    expect(() => requireNode(version)).toThrow(`Recollect needs Node ${least} or newer; this is Node ${version}`)
})
