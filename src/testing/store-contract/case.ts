// One case of the contract, and how it is written down (storage §1.5).
import type { Bench } from './bench.ts'
import type { CaseId, HookName } from './contract.ts'

export interface ContractCase {
  readonly id: CaseId
  readonly says: string
  readonly needs: readonly HookName[]
  run(bench: Bench): Promise<void>
}

/** One case: a sentence about behaviour, the id that a requirement cites, and what shows it. */
export const when = (says: string, id: CaseId, run: (bench: Bench) => Promise<void>, needs: readonly HookName[] = []): ContractCase => ({
  id,
  says,
  needs,
  run,
})
