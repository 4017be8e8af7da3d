// What every store promises, as cases that each driver runs (storage §1.5). One call joins a driver; a missing hook needs its reason.
import { RecollectError } from '../core/errors.ts'
import { appending } from './store-contract/appending.ts'
import { benchOf } from './store-contract/bench.ts'
import type { ContractCase } from './store-contract/case.ts'
import type { HookName, StoreContract, TestRunner } from './store-contract/contract.ts'
import { expiry } from './store-contract/expiry.ts'
import { heads } from './store-contract/heads.ts'
import { input } from './store-contract/input.ts'
import { leases } from './store-contract/leases.ts'
import { listing } from './store-contract/listing.ts'
import { opening } from './store-contract/opening.ts'
import { reading } from './store-contract/reading.ts'
import { removal } from './store-contract/removal.ts'
import { rewriting } from './store-contract/rewriting.ts'
import { robustness } from './store-contract/robustness.ts'
import { snapshots } from './store-contract/snapshots.ts'

export type { ContractCase } from './store-contract/case.ts'
export type { CaseId, HookName, Row, StoreContract, StoreHooks, TestRunner } from './store-contract/contract.ts'

/** The cases, by group. */
export const contractCases: Readonly<Record<string, readonly ContractCase[]>> = {
  opening,
  appending,
  input,
  reading,
  heads,
  rewriting,
  snapshots,
  listing,
  expiry,
  leases,
  removal,
  robustness,
}

/** A test a case, by the runner given. @throws `invalid_input` if a hook is missing without a reason in `skip` */
export function storeContract(contract: StoreContract, runner: TestRunner = nodeRunner()): void {
  let made = 0
  runner.describe(`store contract: ${contract.name}`, () => {
    for (const [group, cases] of Object.entries(contractCases)) {
      runner.describe(group, () => {
        for (const one of cases) addCase(one)
      })
    }
  })

  function addCase(one: ContractCase): void {
    const reason = reasonToSkip(contract, one)
    if (reason !== undefined) return void runner.test.skip(`${one.says} [${one.id}] (${reason})`, async () => {})
    runner.test(`${one.says} [${one.id}]`, async () => {
      const start = contract.clock.now()
      const bench = benchOf(contract, await contract.create(), `${one.id}-${++made}`)
      try {
        await one.run(bench)
      } finally {
        await bench.store.close()
        contract.clock.set(Math.max(start, contract.clock.now()) + 1)
      }
    })
  }
}

// Loaded only when it is used: it takes longer to load than all else here (REL-2).
function nodeRunner(): TestRunner {
  const { describe, test } = process.getBuiltinModule('node:test')
  return { describe, test }
}

function reasonToSkip({ skip = {}, ...contract }: StoreContract, { id, needs }: ContractCase): string | undefined {
  const missing = needs.filter((name: HookName) => contract[name] === undefined)
  for (const name of missing)
    if (skip[name] === undefined)
      throw new RecollectError('invalid_input', `the case ${id} needs the hook ${name}`, `Give ${name}, or say in skip.${name} why there is none.`)
  return skip[id] ?? missing.map((name) => skip[name])[0]
}
