// Each marked line must be a compile error (ISO-3). `scope-types.test.ts` counts them; the tidy typecheck of this file holds that none is missing.
import { refOf, type LogRef } from '../../src/core/log-ref.ts'
import { Scope } from '../../src/core/scope.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { mint } from '../../src/security/mint.ts'
import type { Recollect } from '../../src/recollect.ts'

declare const store: LogStore
declare const recollect: Recollect
declare const body: Uint8Array

const alice: Scope = mint('acme', 'alice')
const ref: LogRef = refOf(alice, 'session', 's1')

export async function wrong(): Promise<void> {
  // @ts-expect-error the scope left out
  refOf('session', 's1')
  // @ts-expect-error a string for a scope
  refOf('alice', 'session', 's1')
  // @ts-expect-error an object of the same shape
  refOf({ tenantId: 'acme', ownerId: 'alice' }, 'session', 's1')
  // @ts-expect-error a kind that is none
  refOf(alice, 'note', 's1')
  // @ts-expect-error a copy with other names
  refOf({ ...alice, ownerId: 'bob' }, 'session', 's1')
  // @ts-expect-error an owner alone is no scope
  refOf(alice.ownerId, 'session', 's1')
  // @ts-expect-error the pass is private to its module
  void new Scope('acme', 'alice')
  // @ts-expect-error a name cannot be changed
  alice.ownerId = 'bob'
  // @ts-expect-error nor in a ref
  ref.ownerId = 'bob'
  // @ts-expect-error a bare id for a ref
  await store.head('s1')
  // @ts-expect-error the ref left out
  await store.open({ body })
  // @ts-expect-error a scope for a ref
  await store.read(alice)
  // @ts-expect-error a ref for a scope has no place in list
  await store.list('session')
  // @ts-expect-error a string for a scope
  await store.erase('alice')
  // @ts-expect-error the owner left out
  mint('acme')
  // @ts-expect-error a scope where a tenant is asked for: the two cannot be swapped once they are one thing
  mint(alice, 'acme')
  // @ts-expect-error no call of the surface takes a session id alone
  recollect.session('s1')
  // @ts-expect-error nor a tenant's data without an owner
  void recollect.tenant('acme').memories
}
