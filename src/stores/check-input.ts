// What every driver asks of its input before any I/O: types, counts, sizes (LOG-1 to LOG-3). Pure; whose data it is, the sealing wrapper checks.
import { RecollectError } from '../core/errors.ts'
import { hasLoneSurrogate } from '../core/ids.ts'
import { utf8Length } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { logKinds, type LogRef } from '../core/log-ref.ts'
import type { Owner } from '../core/scope.ts'
import type { Entry, Expires, Fence, HeadPatch, LeaseName, LogStore, PageRequest, Rewrite } from '../ports/log-store.ts'

/** Every method but `close`. */
export type StoreCall = Exclude<keyof LogStore, 'info' | 'close'>

/** Throws `invalid_input` or `payload_too_large` unless the call is one that the port allows (LOG-3). Sizes let the seal's bytes pass. */
export function checkInput<M extends StoreCall>(method: M, args: Parameters<LogStore[M]>): void {
  checks[method](...args)
}

const seal = limits.sealBytesAllowed

const checks: { readonly [M in StoreCall]: (...args: Parameters<LogStore[M]>) => void } = {
  open(ref, init) {
    checkRef(ref)
    checkObject(init, 'init')
    checkHeadBody(init.body)
    checkExpires(init.expires)
    if (init.createdAt !== undefined) checkNumber(init.createdAt, 'createdAt', 0, limits.timeMsMost)
    if (init.revision !== undefined) checkNumber(init.revision, 'revision', 1)
  },
  head: (ref) => checkRef(ref),
  append(ref, entries, options = {}) {
    checkRef(ref)
    checkEntries(entries)
    checkObject(options, 'options')
    if (options.expectedVersion !== undefined) checkNumber(options.expectedVersion, 'expectedVersion', 0)
    if (options.fence !== undefined) checkFence(options.fence)
    if (options.head === undefined) return
    checkPatch(options.head)
    if (options.head.ifRevision !== undefined) checkNumber(options.head.ifRevision, 'ifRevision', 1)
    else if (options.head.body !== undefined) throw invalid('a head body needs ifRevision', 'Give the revision of the head that you read.') // LOG-15
  },
  read(ref, options = {}) {
    checkRef(ref)
    checkObject(options, 'options')
    if (options.after !== undefined) checkNumber(options.after, 'after', 0)
    if (options.upTo !== undefined) checkNumber(options.upTo, 'upTo', 0)
    if (options.limit !== undefined) checkNumber(options.limit, 'limit', 1, limits.readEntriesMost)
  },
  updateHead(ref, expectedRevision, patch) {
    checkRef(ref)
    checkNumber(expectedRevision, 'expectedRevision', 1)
    checkPatch(patch)
  },
  rewrite(ref, changes) {
    checkRef(ref)
    checkChanges(changes)
  },
  saveSnapshot(ref, snapshot, options) {
    checkRef(ref)
    checkObject(snapshot, 'snapshot')
    checkName(snapshot.name, 'a snapshot name')
    checkNumber(snapshot.upTo, 'upTo', 0)
    checkCount(snapshot.chunks, 'chunks', 1, limits.snapshotChunks)
    checkBodies(snapshot.chunks, 'a snapshot chunk', limits.snapshotChunkBytes, limits.snapshotBytes)
    checkObject(options, 'options')
    checkFence(options.fence)
  },
  loadSnapshot(ref, name) {
    checkRef(ref)
    checkName(name, 'a snapshot name')
  },
  list(scope, kind, page = {}) {
    checkOwner(scope)
    checkKind(kind)
    checkPage(page)
  },
  expired(at, page = {}) {
    checkNumber(at, 'at', 0, limits.timeMsMost)
    checkPage(page)
  },
  owners: (page = {}) => checkPage(page),
  lease(name, ttlMs) {
    checkLeaseName(name)
    checkNumber(ttlMs, 'ttlMs', limits.leaseMsLeast, limits.leaseMsMost)
  },
  renew(fence, ttlMs) {
    checkFence(fence)
    checkNumber(ttlMs, 'ttlMs', limits.leaseMsLeast, limits.leaseMsMost)
  },
  release: (fence) => checkFence(fence),
  delete(ref, options = {}) {
    checkRef(ref)
    checkObject(options, 'options')
  },
  erase: (scope) => checkOwner(scope),
}

const invalid = (message: string, nextStep: string, numbers: { limit?: number; given?: number } = {}) =>
  new RecollectError('invalid_input', message, nextStep, numbers)

const tooLarge = (what: string, limit: number, given: number) =>
  new RecollectError('payload_too_large', `${what} has at most ${limit} bytes; got ${given}`, 'Send less, or send it in several calls.', {
    limit,
    given,
  })

function checkObject(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null) throw invalid(`${what} must be an object`, 'See the store port for its fields.')
}

function checkNumber(value: unknown, what: string, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value)) throw invalid(`${what} must be a whole number`, `Give a whole number from ${least} to ${most}.`)
  const given = value as number
  if (given < least) throw invalid(`${what} is at least ${least}; got ${given}`, `Give a number from ${least} to ${most}.`, { limit: least, given })
  if (given > most) throw invalid(`${what} is at most ${most}; got ${given}`, `Give a number from ${least} to ${most}.`, { limit: most, given })
}

// LOG-1: any text but NUL and lone surrogates; ISO-6 is stricter, and its business is names that callers give.
function checkName(name: unknown, what: string, most: number = limits.idBytes): void {
  const nextStep = `Give 1 to ${most} UTF-8 bytes.`
  if (typeof name !== 'string') throw invalid(`${what} must be a string`, nextStep)
  const given = name.length > most ? name.length : utf8Length(name)
  if (given < 1 || given > most) throw invalid(`${what} has 1 to ${most} UTF-8 bytes; got ${given}`, nextStep, { limit: most, given })
  if (hasLoneSurrogate(name) || name.includes('\0'))
    throw invalid(`${what} holds a lone surrogate or a NUL`, 'Give whole Unicode text without U+0000.')
}

function checkOwner(owner: Owner): void {
  checkObject(owner, 'a scope')
  checkName(owner.tenantId, 'tenantId')
  checkName(owner.ownerId, 'ownerId')
}

function checkKind(kind: unknown): void {
  if (!logKinds.includes(kind as LogRef['kind'])) throw invalid('unknown kind of log', `Use one of ${logKinds.join(', ')}.`)
}

function checkRef(ref: LogRef): void {
  checkOwner(ref)
  checkKind(ref.kind)
  checkName(ref.logId, 'logId')
}

function checkLeaseName(name: LeaseName): void {
  checkOwner(name)
  checkName(name.purpose, 'purpose', limits.leasePurposeBytes)
}

function checkFence(fence: Fence): void {
  if (typeof fence !== 'object' || fence === null) throw conflictOfFence()
  checkLeaseName(fence.name)
  checkNumber(fence.number, 'the number of a fence', 0)
}

// LOG-20: a missing fence is a conflict, as a stale one.
const conflictOfFence = () => new RecollectError('conflict', 'no fence was given', 'Take the lease, and pass on its fence.')

function checkCount(list: unknown, what: string, least: number, most: number): void {
  if (!Array.isArray(list)) throw invalid(`${what} must be a list`, 'Give an array.')
  const given = list.length
  if (given < least || given > most)
    throw invalid(`a call has ${least} to ${most} ${what}; got ${given}`, 'Send them in several calls.', { limit: most, given })
}

function checkBytes(body: unknown, what: string, most: number): number {
  if (!(body instanceof Uint8Array)) throw invalid(`${what} must be bytes`, 'Give a Uint8Array.')
  if (body.length > most + seal) throw tooLarge(what, most, body.length)
  return body.length
}

function checkHeadBody(body: unknown): void {
  checkBytes(body, 'a head body', limits.headBytes)
}

function checkBodies(bodies: readonly unknown[], what: string, each: number, all: number): void {
  let sum = 0
  for (const body of bodies) {
    const bytes = checkBytes(body, what, each)
    if (bytes === 0) throw invalid(`${what} is empty`, 'Give at least one byte: an empty body means redacted.') // LOG-2
    sum += bytes
  }
  if (sum > all + seal * bodies.length) throw tooLarge('a call', all, sum)
}

function checkEntries(entries: readonly Entry[]): void {
  checkCount(entries, 'entries', 1, limits.appendEntries)
  for (const entry of entries) {
    checkObject(entry, 'an entry')
    checkName(entry.id, 'an entry id')
  }
  checkBodies(
    entries.map((entry) => entry.body),
    'an entry body',
    limits.entryBytes,
    limits.appendBytes,
  )
}

function checkChanges(changes: readonly Rewrite[]): void {
  checkCount(changes, 'changes', 1, limits.appendEntries)
  const seen = new Set<number>()
  for (const change of changes) {
    checkObject(change, 'a change')
    checkNumber(change.seq, 'seq', 1)
    if (seen.has(change.seq)) throw invalid('a seq comes twice in one call', 'Give each seq once.')
    seen.add(change.seq)
  }
  checkBodies(
    changes.flatMap((change) => (change.body === undefined ? [] : [change.body])),
    'an entry body',
    limits.entryBytes,
    limits.appendBytes,
  )
}

function checkPatch(patch: HeadPatch): void {
  checkObject(patch, 'a head patch')
  if (patch.body !== undefined) checkHeadBody(patch.body)
  checkExpires(patch.expires)
}

function checkExpires(expires: Expires | undefined): void {
  if (expires === undefined || expires === 'never') return
  checkObject(expires, 'expires')
  if ('at' in expires) return checkNumber(expires.at, 'expires.at', 0, limits.timeMsMost)
  checkNumber(expires.inMs, 'expires.inMs', 0, limits.timeMsMost)
  if (expires.notAfter !== undefined) checkNumber(expires.notAfter, 'expires.notAfter', 0, limits.timeMsMost)
}

function checkPage(page: PageRequest): void {
  checkObject(page, 'a page request')
  if (page.limit !== undefined) checkNumber(page.limit, 'the limit of a page', 1, limits.pageItemsMost)
  if (page.cursor !== undefined && (typeof page.cursor !== 'string' || page.cursor.length > limits.cursorCharacters))
    throw invalid('this is not the cursor of a page', 'Pass on the cursor of the page before, unchanged.')
}
