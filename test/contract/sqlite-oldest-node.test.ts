// The whole contract again on the oldest Node that the package supports: its SQLite is older, and its driver lacks options (DRV-1, SQL-1).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { contractCases } from '../../src/testing/store-contract.ts'
import { olderNode, root } from '../older-node.ts'

const oldest = olderNode('22.13')
const covered = existsSync(oldest)

/** What the program printed, and its exit code. */
function run(args: readonly string[]): Promise<{ text: string; code: number | null }> {
  return new Promise((resolve) => {
    const child = spawn(oldest, args, { cwd: root, env: { PATH: process.env['PATH'] ?? '', TMPDIR: process.env['TMPDIR'] ?? '/tmp' } })
    let text = ''
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (text += piece.toString()))
    child.on('close', (code) => resolve({ text, code }))
  })
}

const count = (text: string, what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)

test.skipIf(!covered)(
  `the contract holds on Node 22.13.0, plain and sealed [DRV-1, SQL-1]${covered ? '' : ' (not covered: node-22.13)'}`,
  async () => {
    const program = 'test/contract/sqlite-oldest-node.ts'
    const { text, code } = await run(['--experimental-strip-types', '--no-warnings', '--test-reporter=tap', program])
    const cases = Object.values(contractCases).flat().length
    const [passed, failed, skipped] = [count(text, 'pass'), count(text, 'fail'), count(text, 'skipped')]
    console.log(`store contract on Node 22.13.0: ${passed} passed, ${failed} failed, ${skipped} skipped of ${2 * cases} cases`)
    expect({ failed, code, names: [...text.matchAll(/^ *not ok \d+ - (.*)$/gm)].map((m) => m[1]) }).toEqual({ failed: 0, code: 0, names: [] })
    expect(passed + skipped).toBe(2 * cases)
  },
  240_000,
)
