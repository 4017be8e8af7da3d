// The store contract on the memory store, as it is.
import { describe, test } from 'vitest'
import { manualClock, seededRandom, storeContract } from '../../src/testing/index.ts'
import { memorySkips, memoryStores, raised, rawRows } from './memory-parts.ts'

const clock = manualClock(Date.UTC(2100, 0, 1))
const { create, roomOf } = memoryStores(clock, seededRandom(1))

storeContract(
  {
    name: 'memory',
    clock,
    create: async () => create(),
    raw: async (store) => rawRows(roomOf(store)),
    raise: async (store, ref, numbers) => raised(roomOf(store), ref, numbers),
    skip: memorySkips,
  },
  { describe, test },
)
