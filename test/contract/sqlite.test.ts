// SQLite joins the store contract, plain, sealed, and writing in a thread (DRV-1, SQL-9).
import { afterAll, describe, test } from 'vitest'
import { storeContract } from '../../src/testing/store-contract.ts'
import { sealedSqliteContract, sqliteContract } from './sqlite-setup.ts'

for (const contract of [sqliteContract('sqlite'), sealedSqliteContract('sqlite, sealed'), sqliteContract('sqlite, writing in a thread', 'worker')]) {
  storeContract(contract, { describe, test })
  afterAll(() => contract.clear())
}
