// The whole contract on SQLite by Node's own runner: for the oldest Node, on which Vitest does not run. Started by sqlite-oldest-node.test.ts.
import { after } from 'node:test'
import { storeContract } from '../../src/testing/store-contract.ts'
import { sealedSqliteContract, sqliteContract } from './sqlite-setup.ts'

for (const contract of [sqliteContract('sqlite'), sealedSqliteContract('sqlite, sealed')]) {
  storeContract(contract)
  after(() => contract.clear())
}
