// SQLite joins the store contract, plain and sealed (DRV-1).
import { afterAll, describe, test } from 'vitest'
import { storeContract } from '../../src/testing/store-contract.ts'
import { sealedSqliteContract, sqliteContract } from './sqlite-setup.ts'

for (const contract of [sqliteContract('sqlite'), sealedSqliteContract('sqlite, sealed')]) {
  storeContract(contract, { describe, test })
  afterAll(() => contract.clear())
}
