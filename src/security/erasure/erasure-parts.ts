// What an erasure works on: stores, keys, audit trail, caches. Types only.
import type { Random } from '../../core/ids.ts'
import type { Owner, Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'
import type { ResidueFile } from './needles.ts'

/** What an erasure asks of a store that lies in files. */
export interface StoreOnDisk {
  /** Every file of the store: database, WAL, journal, temporary ones. */
  readonly files?: () => Promise<readonly ResidueFile[]>
  /** Empties the WAL; where a reader holds it, `openIn` has the ids of the other processes that have it open, as far as they are known (SQL-10). */
  readonly emptyWal?: () => Promise<{ readonly empty: boolean; readonly openIn: readonly number[] }>
}

export interface ErasedStore extends StoreOnDisk {
  /** As receipts call it: `sessions`, `memories`. */
  readonly name: string
  /** As the engine sees it: sealed. */
  readonly store: LogStore
  /** The same store without the wrapper: for collecting what is sealed, and for probing. */
  readonly raw: LogStore
}

/** What holds an owner's data in memory. */
export interface ErasedCache {
  readonly place: string
  drop(owner: Owner): void | Promise<void>
  /** How many things of the owner it holds now. */
  holds(owner: Owner): number
}

export interface ErasureParts {
  readonly stores: readonly ErasedStore[]
  /** Of the key store. */
  readonly keyDisk?: StoreOnDisk
  readonly ring: OwnerKeyRing
  readonly audit: AuditLog
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly caches: readonly ErasedCache[]
  /** Names under which snapshots are saved: the port does not list them. */
  readonly snapshotNames: readonly string[]
  /** Runs under the lease of the owner's background jobs (ERA-1). @throws `conflict` if it is not free within 10 s */
  readonly exclusively: <T>(owner: Scope, run: () => Promise<T>) => Promise<T>
  /** Memory records of the owner; 0 where they cannot be read any more. */
  readonly countRecords: (owner: Scope) => Promise<number>
  /** Resolves once no call of the owner is on its way to a store: a call that began later finds the keys closed (ERA-5). */
  readonly quiet: (owner: Owner) => Promise<void>
}
