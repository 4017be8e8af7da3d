// The calls on one log of an unsealed store, and on the key logs, whose wraps protect themselves: no body may look sealed (SEAL-1, SEAL-17).
import { RecollectError } from '../../core/errors.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import { checkedChanges, checkedChunks, checkedEntries, checkedHeadBody, checkedPatch } from './plain-bounds.ts'
import { looksSealed, sealFailure, type SealedPart } from './seal.ts'
import type { LogCalls } from './sealed-logs.ts'

const checkIn = (bodies: readonly (Uint8Array | undefined)[]): void => {
  if (bodies.some((body) => body !== undefined && looksSealed(body)))
    throw new RecollectError('invalid_input', 'an unsealed body starts with the two bytes that mark a seal', 'Begin it with another byte.')
}

const checkOut = (ref: LogRef, part: SealedPart['part'], body: Uint8Array, seq?: number): void => {
  if (!looksSealed(body)) return
  const place = seq === undefined ? { part } : { part, seq }
  const nextStep = 'Open it with sealing on, as it was made: a store is sealed or not for its whole life.'
  throw sealFailure(ref, 'is sealed, and this store is opened without sealing', place, { nextStep })
}

const checkedHead = <H extends Head>(ref: LogRef, head: H): H => {
  checkOut(ref, 'head', head.body)
  return head
}

/** `before` runs before each write: it refuses an owner who is being erased. */
export function clearLogs(inner: LogStore, before: (ref: LogRef) => Promise<void>): LogCalls {
  return {
    async open(ref, init) {
      const body = checkedHeadBody(init.body)
      checkIn([body])
      await before(ref)
      return checkedHead(ref, await inner.open(ref, { ...init, body }))
    },
    async head(ref) {
      const head = await inner.head(ref)
      return head === undefined ? undefined : checkedHead(ref, head)
    },
    async append(ref, given, options = {}) {
      const entries = checkedEntries(given)
      const head = options.head && checkedPatch(options.head)
      checkIn([...entries.map((entry) => entry.body), head?.body])
      await before(ref)
      const appended = await inner.append(ref, entries, head === undefined ? options : { ...options, head })
      checkedHead(ref, appended.head)
      return appended
    },
    async read(ref, options) {
      const entries = await inner.read(ref, options)
      for (const entry of entries) checkOut(ref, 'entry', entry.body, entry.seq)
      return entries
    },
    async updateHead(ref, expectedRevision, given) {
      const patch = checkedPatch(given)
      checkIn([patch.body])
      return checkedHead(ref, await inner.updateHead(ref, expectedRevision, patch))
    },
    async rewrite(ref, given) {
      const changes = checkedChanges(given)
      checkIn(changes.map((change) => change.body))
      await inner.rewrite(ref, changes)
    },
    async saveSnapshot(ref, snapshot, options) {
      const chunks = checkedChunks(snapshot.chunks)
      checkIn(chunks)
      await inner.saveSnapshot(ref, { name: snapshot.name, upTo: snapshot.upTo, chunks }, options)
    },
    async loadSnapshot(ref, name) {
      const snapshot = await inner.loadSnapshot(ref, name)
      return snapshot?.chunks.some(looksSealed) ? undefined : snapshot
    },
    async list(scope, kind, page) {
      const listed = await inner.list(scope, kind, page)
      for (const head of listed.items) checkOut({ tenantId: scope.tenantId, ownerId: scope.ownerId, kind, logId: head.logId }, 'head', head.body)
      return listed
    },
  }
}
