// The reference pages are what the tables say, and every command, setting, metric and error is in one.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { built } from './cli-runs.ts'

const root = path.join(import.meta.dirname, '..', '..')

test.skipIf(!built)('docs/reference is in step with the tables of the code [REL-8]', async () => {
  const [code, said] = await new Promise<[number, string]>((resolve) => {
    execFile(process.execPath, [path.join(root, 'scripts', 'docs.mjs'), '--check'], (error, out, err) =>
      resolve([error === null ? 0 : Number(error.code), out + err]),
    )
  })
  expect([code, said]).toEqual([0, ''])
})
