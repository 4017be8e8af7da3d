// Every number that bounds something, once, with its unit and its reason or rule. Names end in their unit where it is not a plain count.

const KiB = 1024
const MiB = 1024 * KiB
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
export { minute as minuteMs, hour as hourMs, day as dayMs }

export const limits = {
  // ids (ISO-6, LOG-1)
  idBytes: 200,

  // the log store (LOG-3)
  entryBytes: 1 * MiB,
  appendEntries: 1_000,
  appendBytes: 8 * MiB,
  headBytes: 64 * KiB,
  snapshotChunkBytes: 1 * MiB,
  snapshotChunks: 1_024,
  snapshotBytes: 512 * MiB,
  sealBytesAllowed: 64, // a driver allows so much more a body than the caller of the wrapper, for the seal
  readEntries: 1_000,
  readEntriesMost: 5_000,
  readBytes: 16 * MiB,
  pageItems: 50,
  pageItemsMost: 200,
  leaseMsLeast: 1 * second,
  leaseMsMost: 10 * minute,
  leaseRowKeptMs: 24 * hour, // LOG-25
  leasePurposeBytes: 256, // 'summary/' and a session id
  cursorCharacters: 2_048, // of a page; three names of 200 bytes, with room
  timeMsMost: 8.64e15, // the last time that a Date can hold
  callMs: 5 * second, // LOG-8: deadline of a store call
  eraseLogsAStep: 100, // LOG-27
  eraseEntriesAStep: 10_000,
  memoryStoreBytes: 1024 * MiB, // DRV-7
  memoryRowBytes: 128, // what an entry or a head takes there beside its names and bytes

  // SQLite (SQL-2 to SQL-8)
  sqliteCacheKiB: 64 * KiB,
  sqliteMapBytes: 256 * MiB,
  sqliteVacuumBytes: 128 * MiB, // a file up to this size is written anew by an erasure (about a second)
  groupAppends: 256, // SQL-5: appends that share one commit
  groupBytes: 1 * MiB,
  knownIds: 1_000_000, // SQL-4
  sqliteHeadBytes: 32 * MiB, // heads kept in memory beside them
  queuedWrites: 65_536, // writes that wait for one disk; more is overload
  walPassiveBytes: 4 * MiB, // SQL-7
  walRestartBytes: 64 * MiB,
  walRefuseBytes: 512 * MiB,
  checkpointEveryMs: 20,
  checkpointLeaseMs: 1 * second,
  checkpointRetryMs: 100, // when another process has the lease
  walIdleMs: 1 * second, // after so long without a write the WAL is emptied
  walEmptyMs: 1 * second, // SQL-10: within this the bytes are out of the WAL
  lockRetryMsLeast: 0.5, // SQL-8
  lockRetryMsMost: 8,

  // sealing and keys (SEAL)
  revisionsRemembered: 10_000, // SEAL-12 (d): logs whose highest revision a node keeps
  openedHeadBytes: 32 * MiB, // opened head bodies kept beside them
  keysCached: 10_000, // SEAL-16
  keyCachedMs: 5 * minute,
  sealsPerKey: 2 ** 28, // SEAL-10
  dataKeyDays: 90,
  sealCountsKept: 100_000, // owners whose seals are counted; what falls out costs at most its own count of the 16-fold margin of SEAL-10
  walkPages: 10_000, // of one listing; at 200 items a page more than any owner may have
  keyLogEntries: 10_000, // of one key log: a few a year
  closeAttempts: 20, // ERA-5: rounds of the swap that closes a key log

  // sessions (ACC-10, LIFE)
  idleMs: 30 * day,
  absoluteMs: 365 * day,
  lifeMsLeast: 1 * second, // shortest idle or absolute time a caller may ask for
  lifeMsMost: 7 * 365 * day + 2 * day,
  untrustedRecordMs: 30 * day, // LIFE-5
  assistantRecordMs: 180 * day,
  episodicRecordMs: 365 * day, // LIFE-4, class `standard`
  sessionEntries: 100_000, // LIFE-11
  sessionBytes: 64 * MiB,
  ownerSessions: 10_000,
  ownerBytes: 256 * MiB,
  ownerRecords: 100_000,
  quotaSumsCachedMs: 60 * second, // LIFE-13
  sweepEveryMs: 60 * second, // LIFE-7
  sweepLeaseMs: 60 * second,
  sweepBatch: 100,
  sweepLogs: 10_000,
  sweepPassMs: 30 * second,
  sweepSkipMs: 10 * minute, // a failing owner is left alone so long
  turnLeaseMs: 30 * second, // NODE-4
  turnWaitMs: 30 * second,
  turnWaiting: 8,
  turnRetryMs: 250, // jitter between nodes
  turnHeldMs: 10 * minute, // how long a holder renews its lease at most
  quotaOwners: 10_000, // owners whose sums a process keeps
  workLeaseMs: 60 * second, // NODE-7
  workWaitMs: 10 * second, // ERA-1
  workRetryMs: 100, // most between two tries for the lease
  turnEndIdleMs: 1 * second, // NODE-8
  jobsPending: 10_000, // sessions whose background work a process remembers
  jobsAtOnce: 2, // owners at work: the machine also answers
  jobRetryMs: 50, // when all places are taken
  stateBytes: 64 * KiB, // SES-3
  setupBytes: 256 * KiB, // SES-4
  titleCodePoints: 200,
  metadataBytes: 16 * KiB,
  messageParts: 64, // security 5.4
  partBytes: 16 * MiB,
  messagesAnAppend: 200,
  sessionCacheBytes: 256 * MiB, // decoded sessions a process keeps, least recently used out
  derivedSessions: 1_000, // sessions of which a process keeps lowered messages and counts
  loadAttempts: 5, // reads that a redaction crossed, before `conflict`
  swapAttempts: 8, // swaps of a head that others won, before `conflict`
  pastedCodePoints: 4_000, // POI-1: a typed span over this counts as paste

  // contexts (context.md)
  contextBudgetTokens: 32_000,
  contextBudgetTokensLeast: 256,
  reserveOutputTokens: 4_096,
  contextTimeoutMs: 10 * second,
  contextTimeoutMsMost: 10 * minute,
  contextSwaps: 3, // EPO-4
  hashesKept: 64, // of policies and system prompts, by a session's cache
  pins: 32,
  minTurns: 2,
  minTurnsMost: 100,
  strategyNameCharacters: 100,
  contextWindowTokensMost: 10_000_000, // no published window is larger; watermarks and budgets are checked against it
  slidingTurns: 10, // context §2: `last` of slidingWindow
  summaryKeepTurns: 1, // context §2
  turnsKept: 1_000,
  summaryTokensMost: 100_000,
  summaryTokens: 2_000,
  recallItems: 8,
  recallTokens: 1_500,
  preferenceItems: 20, // POI-14
  preferenceTokens: 600,
  epochBytes: 32 * KiB, // EPO
  epochBytesBesides: 8 * KiB, // of those, kept for all but the injections
  sheetItems: 2_000, // SUM-4
  sentenceUnits: 400, // SUM-5: a line of the sheet, and the longest sentence in it
  identifierUnits: 120, // longer runs are content, not names
  itemRefs: 8, // seqs that an item names
  itemsCompared: 20, // SUM-1: the newest, with a correction or an answer; with all, the work would grow as the square of the log
  hintTopics: 5, // SUM-1
  sheetSegmentTurns: 10, // SUM-1: turns that one timeline line stands for
  sheetsKept: 8, // of a session, by a process: those of the plans in hand
  marginTokensLeast: 256, // TOK-8
  unbrokenRun: 256, // TOK-4: BPE is super-linear on unbroken runs
  cutOverTokens: 4_000, // BUD-3 (4)
  cutToTokens: 1_000, // head and tail together
  cutPendingTokensLeast: 50, // BUD-3 (8): quartered from `cutOverTokens` down to this
  summaryTokensLeast: 64, // BUD-3 (5)
  gapShareLeast: 0.1, // WAT-3, of the room
  lowShareLeast: 0.3,
  loadTurns: 20, // WAT-3: turns whose mean gives g and c
  loadTurnsLeast: 3,
  assumedTurnTokens: 450,
  assumedToolTurnTokens: 1_500,
  assumedToolTurnCalls: 2,
  coldGapShare: 0.25, // context §4.1 `cold`: size over low + gap/4
  uncertaintyUnknown: 0.25, // TOK-8: ε without usage, after 1 sample, after 5
  uncertaintyFew: 0.08,
  uncertaintyKnown: 0.03,
  samplesKnown: 5,
  ratioDecay: 0.8, // TOK-6
  ratioLeast: 0.3,
  ratioMost: 6,
  anchoredShareLeast: 0.5, // a prediction from an anchor is never under half of what the ratio alone gives
  overflowRaise: 1.25, // TOK-9
  expectedReadShare: 0.8, // REC-2: a cache read under this share of what was expected is a miss
  summaryShare: 0.1, // BUD-2, of hard − fixed
  memoryShare: 0.1,
  stateShare: 0.05,
  stateNames: 8, // of members that a cut state names as left out
  stateNameUnits: 60, // a longer name is counted with the rest
  turnShare: 0.1, // of the room, kept free above the high watermark for the turn that reaches it
  evidenceIdCharacters: 180, // of a session id in a receipt, whose strings have at most 200
  bestMemories: 3, // BUD-2: placed even over their cap, if the room allows
  unmaskedRounds: 3, // BUD-3 (3)
  maskLeastTokens: 40, // a shorter result than its own mask stays
  hintEvery: 15, // PRO-3: messages between two cache marks inside a long turn
  pdfPageBytes: 50_000, // TOK-5: a file's pages are guessed from its size
  receipts: 1_000, // REC-1, a session
  receiptBytes: 4 * MiB,
  receiptsABatch: 100,
  receiptGatherMs: 50, // a receipt waits so long for its usage, and its flush not in front of a model's first byte
  receiptsWaiting: 1_000, // on their way to the store; more are dropped and counted
  receiptCacheBytes: 32 * MiB,
  receiptParts: 2_000,

  // long-term memory (memory.md)
  recordCodePoints: 2_000, // MEM-4
  recordBytes: 8 * KiB,
  recordLines: 40,
  slotCodePoints: 64,
  valueCodePoints: 400,
  evidenceSpans: 8,
  formMessages: 64, // FORM-2
  formBytes: 256 * KiB,
  unitCharacters: 1_000, // FORM-3
  codeCharacters: 400,
  shortResultCharacters: 1_000, // FORM-4
  duplicateMs: 30 * day, // FORM-6
  knownRecordsBytes: 128 * MiB, // what formation knows of owners' memories, least recently used out
  formRetryMsLeast: 1 * second, // FORM-7
  formRetryMsMost: 10 * minute,
  embedTokens: 128, // EMB-1
  queryVectors: 10_000, // EMB-6
  embedQueryMs: 300, // EMB-7
  embedRecordsMs: 10 * second, // of a window; under the lease of a job, and a call to remember waits for it
  partitionCacheBytes: 1024 * MiB, // PART-6
  vectorDimensions: 4_096, // of an embedder: the kernel's sums stay within an int32
  arenaSlabBytes: 1 * KiB, // PART-1: the least that a partition's column takes
  arenaBytes: 4_096 * MiB, // what 32-bit WASM can address
  partitionTail: 500, // PART-3: records after which the tail is merged
  partitionTailShare: 0.1,
  partitionChunkBytes: 256 * KiB,
  yieldEveryMs: 5,
  recallCandidates: 300, // RCL-2
  recallLimit: 8, // RCL-11
  recallLimitMost: 100,
  queryCharacters: 4_000,
  queryTerms: 64,
  recallMs: 2 * second,
  relevanceFloor: 0.3, // ABS-2
  nearWords: 8, // of one word of a query, nearest first (RCL-2)
  stemsCached: 50_000, // words whose stem an analyzer remembers
  tailExtended: 1_000, // entries that a partition takes in one step; a longer tail builds another beside it
  buildSlice: 256, // records indexed between two looks at the clock

  // settings and the command line (CFG-3, CLI-2)
  settingChars: 4 * KiB, // of one text: a path on Linux (PATH_MAX) and any URL fit
  settingItems: 64, // of one list
  settingsFileBytes: 1 * MiB,
  secretFileBytes: 64 * KiB, // a key, the file of key-encryption keys, or a token with its claims
  pemFileBytes: 64 * KiB, // a chain of ten certificates has about 20 KiB
  settingFaults: 20, // told at once; a line that nobody reads helps nobody
  cliCallMsMost: 10 * minute, // --timeout-ms
  diskFreeBytesLeast: 512 * MiB, // doctor warns of less

  // the gateway (security 5.4, surfaces 2)
  bodyBytes: 1 * MiB,
  modelBodyBytes: 16 * MiB, // GW-11
  modelMessages: 5_000,
  jsonDepth: 32,
  jsonKeys: 256,
  jsonNodes: 100_000, // objects and arrays of a body: an empty one takes 3 bytes there and some 400 in memory; 5,000 messages of many parts have half as many
  jsonStringBytes: 1 * MiB,
  headersBytes: 16 * KiB,
  urlBytes: 4 * KiB,
  ownerWritesAMinute: 600,
  tenantWritesAMinute: 60_000,
  ownerReadsAMinute: 6_000,
  tenantReadsAMinute: 600_000,
  anonymousRequestsAMinute: 60,
  failuresAMinute: 10, // ACC-7
  ratesKept: 20_000, // of owners, tenants and addresses; the least recently used goes, which only ever gives somebody more room
  ownerInFlight: 8,
  processInFlight: 256,
  requestMs: 30 * second,
  headerReadMs: 10 * second,
  keepAliveMs: 5 * second,
  certificateLookMs: 60 * second, // how soon a renewed certificate is served
  certificateRenewMs: 14 * day, // one that ends sooner should have been renewed: the usual tools do it 30 days before
  socketIdleMs: 180 * second, // without a byte either way: longer than a turn is waited for, a context made and an upstream silent; a client that reads nothing is let go
  preflightMs: 10 * minute, // how long a browser asks no second time (GW-15); what is no longer allowed is refused at the call all the same
  signalRepeatMs: 1 * second, // signals within it are one: a terminal reaches npm, its shell and the gateway alike (GW-14)
  upstreamSilenceMs: 120 * second,
  upstreamMs: 10 * minute,
  upstreamReplyBytes: 16 * MiB,
  usageEventBytes: 64 * KiB, // the most of a stream that is held back to look for its usage event
  cursorMs: 24 * hour,
  idempotencyKeyBytes: 255,
  idempotencyMs: 24 * hour, // GW-6; an owner has at most as many keys as writes in that time
  requestLeaseMs: 60 * second, // how long a keyed request that died keeps its key busy
  requestIdCharacters: 128,
  drainMs: 30 * second,
  loopDelayMs: 20, // OBS-10: the timer by which the event loop's delay is measured
  cutMs: 5 * second, // for what is cut then: to store what had come of it
  healthCheckMs: 1 * second, // GW-16: of each part
  healthCachedMs: 2 * second,
  metricLabelValues: 200, // OBS-6: of an `open` label; the next one is `other`
  jobLagMs: 60 * second, // background work that is later than this is a warning
  policyMs: 1 * second, // ACC-2
  keyDays: 90, // ACC-4
  keyDaysMost: 365,
  keysPerName: 2,
  keyLeaseMs: 10 * second, // one key is issued at a time
  auditBatchMs: 1 * second, // AUD-5
  auditDays: 400, // AUD-1
  auditAttempts: 20, // lost swaps of one write before it gives up
  auditWaiting: 10_000, // events that wait for a store that cannot be written; later ones are counted and left out
  auditChains: 1_000, // tenants whose last link is kept in memory
  residueBytes: 64 * MiB, // ERA-7
  residueLooks: 9, // times the files are read before a find is reported: a WAL is cut within 1 s (SQL-10)
  residueWaitMs: 250,
  keyBackupDays: 7, // SEAL-19: how long a backup of the key store is kept
} as const
