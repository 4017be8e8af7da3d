import { expect, test } from 'vitest'
import { currentCommit, describeMachine } from './provenance.ts'

test('a result says its machine in one line, and its commit or that it is not known [EVAL-6]', async () => {
  expect(describeMachine()).toMatch(/^\w+ \w+, \d+ × .+, \d+ GiB, Node \d+\.\d+\.\d+$/)
  expect(await currentCommit()).toMatch(/^([0-9a-f]{12}\+?|unknown)$/)
})
