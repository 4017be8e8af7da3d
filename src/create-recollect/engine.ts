// Puts the engine together over open stores: security first, then long-term memory, then sessions.
import os from 'node:os'
import type { Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import type { Mint, Owner, Scope } from '../core/scope.ts'
import { classCounter, countMessage, o200kCounter } from '../context/counting/count.ts'
import { extendProfiles, findProfile } from '../context/prompt/profiles.ts'
import { createFormation } from '../formation/formation.ts'
import { memoryLogs } from '../formation/memory-log.ts'
import type { MemoryParts } from '../formation/memory-parts.ts'
import { createUpkeep } from '../formation/upkeep.ts'
import { workLease } from '../formation/work-lease.ts'
import type { Clock } from '../ports/clock.ts'
import { createDeadlines } from '../ports/deadlines.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { createRecall } from '../recall/recall.ts'
import { snapshotName } from '../recall/partition/snapshot.ts'
import type { Stemmers } from '../recall/recall-types.ts'
import { noteFault, tellRenewal, type Fault } from '../security/audit/audit-faults.ts'
import { createAuditLog, type AuditLog } from '../security/audit/audit-log.ts'
import { createCredentials } from '../security/access/credentials.ts'
import { createErasure } from '../security/erasure/erase-owner.ts'
import { createKeyRing } from '../security/keys/key-ring.ts'
import { ownerPseudonym } from '../security/keys/pseudonyms.ts'
import { createReceipts } from '../security/erasure/receipts.ts'
import { createRequests } from '../security/access/requests.ts'
import { rolePolicy, strictPolicy } from '../security/access/role-policy.ts'
import { createSealedTokens } from '../security/keys/sealed-token.ts'
import { sealedStore } from '../security/sealing/sealed-store.ts'
import { redactSources } from '../session/removal/delete-session.ts'
import { injectedInto } from '../session/contexts/injected-into.ts'
import { createJobs } from '../session/work/jobs.ts'
import { defaultQuotas, ownerQuotas, type Quotas } from '../session/changes/quotas.ts'
import { queueUnformed } from '../session/open-session.ts'
import { receiptLogs } from '../session/logs/receipts.ts'
import { sessionLogs } from '../session/logs/session-logs.ts'
import type { SessionParts } from '../session/session-parts.ts'
import { sessionSizes } from '../session/logs/session-sizes.ts'
import { formSource, sessionWork } from '../session/work/session-work.ts'
import { createSweeper } from '../session/removal/sweep.ts'
import { sessionTurns } from '../session/work/turns.ts'
import type { OpenStores } from './open-stores.ts'
import type { WatchedEmbedder } from './watched-embedder.ts'
import type { RecollectOptions } from './options.ts'

export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly embedder: WatchedEmbedder | undefined
  readonly stemmers: Stemmers
}

export interface Engine {
  readonly parts: SessionParts
  readonly security: Security
  readonly memories: MemoryParts
  readonly erasure: ReturnType<typeof createErasure>
  readonly sweeper: ReturnType<typeof createSweeper>
}

/** `mint` makes scopes of any name: for reserved owners, and for walks over all. */
export function createEngine(options: RecollectOptions, world: World, stores: OpenStores, mint: Mint): Engine {
  const security = securityOver(options, world, stores, mint)
  const { sessions, memories: longTermStore } = security
  const quotas = ownerQuotas({
    sessions,
    memories: longTermStore,
    seal: options.seal ?? 'on',
    clock: world.clock,
    limits: { ...defaultQuotas, ...options.quotas },
  })
  const longTerm = longTermOver(options, world, security, quotas)
  const parts = sessionParts(options, world, security, { ...longTerm, quotas })
  const memories: MemoryParts = {
    ...world,
    ...longTerm,
    keys: security.ring,
    audit: security.audit,
    signed: parts.signed,
    quotaRecords: quotas.limits.ownerRecords,
    redactSources: (scope, sources) => redactSources(parts, scope, sources),
    injectedInto: (scope, recordIds) => injectedInto(parts, scope, recordIds),
    settled: (scope) => settledMemories(parts, scope),
  }
  return {
    parts,
    security,
    memories,
    erasure: erasureOver(world, stores, { security, longTerm, parts }),
    sweeper: createSweeper(parts, mint),
  }
}

type Security = ReturnType<typeof securityOver>
type LongTerm = ReturnType<typeof longTermOver>
interface Built {
  readonly security: Security
  readonly longTerm: LongTerm
  readonly parts: SessionParts
}

function securityOver(options: RecollectOptions, { clock, random, telemetry }: World, stores: OpenStores, mint: Mint) {
  const ring = createKeyRing({
    store: stores.keys.store,
    provider: stores.keyProvider,
    clock,
    random,
    mint,
    beforeRenewal: (owner, keys, version) => tellRenewal({ audit }, owner, ownerPseudonym(keys, owner.ownerId), version),
  })
  const onFault = (owner: Owner, fault: Fault) => void noteFault({ ring, audit, telemetry }, owner, fault)
  const sealing = { seal: options.seal ?? 'on', random, telemetry, onFault } as const
  const sessions = sealedStore(stores.sessions.store, ring, sealing)
  const memories = stores.memories.store === stores.sessions.store ? sessions : sealedStore(stores.memories.store, ring, sealing)
  const keys = sealedStore(stores.keys.store, ring, sealing)
  const audit: AuditLog = createAuditLog({ store: sessions, ring, clock, random, mint, node: os.hostname(), telemetry })
  return {
    ring,
    sessions,
    memories,
    audit,
    credentials: createCredentials({ store: keys, ring, audit, clock, random, mint, mode: options.keyMode ?? 'live' }),
    policy: strictPolicy(options.policy ?? rolePolicy(), clock),
    tokens: createSealedTokens({ ring, clock, random }),
    requests: createRequests({ store: sessions, ring, mint }),
  }
}

function longTermOver(
  options: RecollectOptions,
  { clock, random, telemetry, embedder, stemmers }: World,
  { memories, ring }: Security,
  quotas: Quotas,
) {
  const logs = memoryLogs(memories, quotas)
  const work = workLease(memories, clock, random)
  const recall = createRecall({
    memories,
    keys: ring,
    clock,
    random,
    telemetry,
    stemmers,
    ...options.recall,
    ...(embedder === undefined ? {} : { embedder }),
  })
  return { logs, work, recall, upkeep: createUpkeep({ logs, work, clock }) }
}

function sessionParts(options: RecollectOptions, world: World, security: Security, longTerm: LongTerm & { readonly quotas: Quotas }): SessionParts {
  const { clock, random, telemetry } = world
  const { sessions, memories, ring, audit } = security
  const logs = sessionLogs(sessions)
  const { profile } = findProfile(undefined)
  const sizes = sessionSizes(logs, (message) => countMessage(message, profile, classCounter))
  const { quotas } = longTerm
  const formation = createFormation({
    ...world,
    ...longTerm,
    keys: ring,
    source: formSource(logs, sizes),
    quotaRecords: quotas.limits.ownerRecords,
    ...options.formation,
  })
  const jobs = createJobs({
    clock,
    telemetry,
    background: options.background ?? true,
    work: sessionWork(logs, sizes, { ...longTerm, formation, memories, telemetry }),
  })
  return {
    sessions,
    memories,
    keys: ring,
    clock,
    random,
    telemetry,
    audit,
    jobs,
    logs,
    sizes,
    upkeep: longTerm.upkeep,
    recall: longTerm.recall,
    lives: { idleMs: limits.idleMs, absoluteMs: limits.absoluteMs, ...options.lives },
    quotas,
    turns: sessionTurns(sessions, clock, random, (scope, id) => jobs.due(scope, id, 'now')),
    receipts: receiptLogs(sessions, options.receipts ?? 'background', clock, telemetry),
    signed: createReceipts(ring),
    contexts: {
      clock,
      deadlines: createDeadlines(clock),
      random,
      telemetry,
      profiles: extendProfiles(options.profiles ?? []),
      ...(options.tokenizer === undefined ? {} : { counter: o200kCounter(options.tokenizer) }),
      ...(options.context === undefined ? {} : { defaults: options.context }),
      ...(options.strategies === undefined ? {} : { strategies: options.strategies }),
    },
  }
}

function erasureOver(world: World, stores: OpenStores, { security, longTerm, parts }: Built) {
  return createErasure({
    ...world,
    stores: [
      { ...stores.sessions, name: 'sessions', store: security.sessions, raw: stores.sessions.store },
      { ...stores.memories, name: 'memories', store: security.memories, raw: stores.memories.store },
    ],
    keyDisk: stores.keys,
    ring: security.ring,
    audit: security.audit,
    caches: [
      { place: 'jobs', drop: (owner) => parts.jobs.dropOwner(owner), holds: (owner) => parts.jobs.holds(owner) },
      { place: 'session cache', drop: (owner) => parts.logs.dropOwner(owner), holds: (owner) => parts.logs.holds(owner) },
      { place: 'receipt cache', drop: (owner) => parts.receipts.dropOwner(owner), holds: (owner) => parts.receipts.holds(owner) },
      { place: 'memory cache', drop: (owner) => longTerm.logs.drop(owner), holds: (owner) => longTerm.logs.holds(owner) },
      { place: 'recall cache', drop: (owner) => longTerm.recall.drop(owner), holds: (owner) => longTerm.recall.holds(owner) },
      ...[security.sessions, security.memories].map((store, i) => ({
        place: `opened heads of ${i === 0 ? 'sessions' : 'memories'}`,
        drop: (owner: Owner) => store.forgetOwner(owner),
        holds: (owner: Owner) => store.holds(owner),
      })),
    ],
    snapshotNames: [snapshotName],
    countRecords: async (owner) => (await longTerm.logs.load(owner))?.known.records.size ?? 0,
    exclusively: longTerm.upkeep.exclusively,
    quiet: (owner) => Promise.all([security.sessions.settled(owner), security.memories.settled(owner)]).then(() => {}),
  })
}

/** Also what an earlier process left: every session whose cursor is behind is formed now. */
async function settledMemories(parts: SessionParts, scope: Scope): Promise<void> {
  await queueUnformed(parts, scope)
  await parts.jobs.settled(scope)
}
