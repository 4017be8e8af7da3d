// What native routes take and give, as schemas: the router, the OpenAPI document and the tests read these.
import { z } from '@hono/zod-openapi'
import { authorities, origins, recallLists } from '../core/authority.ts'
import { formats, strategyNames } from '../core/context.ts'
import { limits } from '../core/limits.ts'
import { memoryKinds } from '../core/memory.ts'
import { roles as messageRoles } from '../core/message.ts'
import { grants, roles } from '../ports/policy.ts'

export const json = z.unknown().openapi({ description: 'Any JSON value.' })
export const jsonObject = z.record(z.string(), json)
export const id = z.string().min(1).max(200)
export const timeMs = z.int().nonnegative().openapi({ description: 'Milliseconds since 1970.' })
const count = z.int().nonnegative()

export const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMost).optional(),
  cursor: z.string().max(2_000).optional(),
})
export const pageOf = (item: z.ZodType) => z.object({ items: z.array(item), nextCursor: z.string().optional() })

// --- sessions -----------------------------------------------------------------------------------------------------------------

const strategy = z.union([z.enum(strategyNames), z.looseObject({ name: z.enum(strategyNames) })])
const tools = z.array(jsonObject).max(limits.jsonKeys)
export const newSession = z.strictObject({
  id: id.optional(),
  title: z.string().optional(),
  metadata: jsonObject.optional(),
  class: z.literal('standard').optional(),
  idleMs: z.int().positive().optional(),
  absoluteMs: z.int().positive().optional(),
  formation: z.enum(['on', 'off']).optional(),
  model: z.string().min(1).max(200).optional(),
  strategy: strategy.optional(),
  system: z.string().optional(),
  tools: tools.optional(),
})
export const sessionPatch = z.strictObject({ title: z.string().nullable().optional(), metadata: jsonObject.nullable().optional() })
export const session = z.object({
  id,
  version: count,
  revision: count,
  createdAt: timeMs,
  updatedAt: timeMs,
  expiresAt: timeMs.optional(),
  class: z.string(),
  formation: z.enum(['on', 'off']),
  title: z.string().optional(),
  metadata: jsonObject.optional(),
  size: z.object({ messages: count.optional(), entries: count, bytes: count, tokens: count.optional() }),
  cursors: z.object({ formed: count, summarized: count }),
  epoch: z.object({ no: count, cause: z.string(), startedAt: timeMs, keepFrom: count }).optional(),
  forkedFrom: z.object({ session: id, atSeq: count }).optional(),
})
export const fork = z.strictObject({ atSeq: z.int().nonnegative(), id: id.optional() })
export const rewind = z.strictObject({ toSeq: z.int().nonnegative() })
export const newTurn = z.strictObject({
  ttlMs: z.int().min(limits.leaseMsLeast).max(limits.leaseMsMost).optional(),
  whenBusy: z.enum(['refuse', 'wait']).optional(),
})
export const turn = z.object({ turnId: z.string(), fence: z.int(), expiresAt: timeMs })

// --- messages -----------------------------------------------------------------------------------------------------------------

const spanInput = z.strictObject({ start: count, end: count, origin: z.enum(origins) })
const textInput = z.strictObject({ type: z.literal('text'), text: z.string(), spans: z.array(spanInput).max(1_000).optional() })
const mediaInput = z
  .strictObject({
    type: z.enum(['image', 'file']),
    mediaType: z.string().min(1).max(200),
    url: z.string().max(4_096).optional(),
    base64: z.string().optional(),
    name: z.string().max(400).optional(),
    caption: z.string().optional(),
    detail: z.string().max(40).optional(),
  })
  .refine((part) => (part.url === undefined) !== (part.base64 === undefined), { error: 'give either url or base64' })
const partInput = z.union([
  textInput,
  z.strictObject({ type: z.literal('tool-call'), callId: id, name: id, arguments: z.string(), custom: z.boolean().optional() }),
  z.strictObject({
    type: z.literal('tool-result'),
    callId: id,
    content: z.union([z.string(), z.array(z.union([textInput, mediaInput])).max(limits.messageParts)]),
    failed: z.boolean().optional(),
  }),
  z.strictObject({ type: z.enum(['reasoning', 'foreign']), family: id, data: json }),
  mediaInput,
])
export const messageInput = z
  .strictObject({
    id: id.optional(),
    role: z.enum(messageRoles),
    text: z.string().optional(),
    parts: z.array(partInput).min(1).max(limits.messageParts).optional(),
    name: z.string().min(1).max(200).optional(),
    createdAt: timeMs.optional(),
  })
  .refine((message) => (message.text === undefined) !== (message.parts === undefined), { error: 'give either text or parts' })
export const newMessages = z.strictObject({
  messages: z.array(messageInput).min(1).max(limits.messagesAnAppend),
  expectedVersion: count.optional(),
  fence: z.int().positive().optional(), // the number of the turn's lease
})
export const appended = z.object({ version: count, seqs: z.array(count), ids: z.array(id), added: count })
export const messagePage = z.strictObject({
  after: z.coerce.number().int().nonnegative().optional(),
  upTo: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMost).optional(),
  order: z.enum(['asc', 'desc']).optional(),
})
const span = z.object({ start: count, end: count, origin: z.enum(origins), authority: z.enum(authorities), labelled: z.boolean() })
export const message = z.object({
  seq: count,
  id,
  role: z.enum(messageRoles),
  name: z.string().optional(),
  createdAt: timeMs,
  incomplete: z.enum(['aborted', 'upstream']).optional(),
  parts: z.array(z.looseObject({ type: z.string(), text: z.string().optional(), spans: z.array(span).optional() })),
})
export const messages = z.object({ items: z.array(message), next: count.optional() })

export const state = z.object({ revision: count, state: json })
export const summary = z.object({ sheet: json, text: z.string(), upTo: count, epoch: count.optional(), sources: z.array(count) })

// --- contexts and receipts ----------------------------------------------------------------------------------------------------

export const contextOptions = z.strictObject({
  model: z.string().min(1).max(200).optional(),
  budgetTokens: z.int().positive().optional(),
  reserveOutputTokens: z.int().positive().optional(),
  strategy: strategy.optional(),
  format: z.enum(formats).optional(),
  system: z.string().optional(),
  tools: tools.optional(),
  recall: z
    .union([
      z.literal(false),
      z.strictObject({
        query: z.string().optional(),
        maxItems: z.int().positive().optional(),
        maxTokens: z.int().positive().optional(),
        onFailure: z.enum(['omit', 'fail']).optional(),
      }),
    ])
    .optional(),
  state: z.boolean().optional(),
  pins: z.array(z.int().positive()).max(limits.pins).optional(),
  minTurns: z.int().nonnegative().optional(),
  preview: z.boolean().optional(),
  messages: z.array(messageInput).max(limits.messagesAnAppend).optional(),
  timeoutMs: z.int().positive().optional(),
})
export const receipt = z.looseObject({ v: z.literal(1), id, at: timeMs, session: id, upTo: count })
export const context = z.object({
  messages: z.array(json),
  system: json.optional(),
  tools: z.array(json).optional(),
  cacheHints: z.array(z.object({ index: count, ttlSeconds: count })),
  cacheKey: z.string(),
  tokens: z.object({ predicted: count, low: count, high: count, hard: count }),
  receipt,
  degraded: z.array(z.string()),
})
export const usage = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  reasoningTokens: count.optional(),
})
export const receiptUsage = z.looseObject({ receiptId: id, at: timeMs, billed: usage.nullable() })
export const receiptHead = z.object({ id, at: timeMs, upTo: count, epoch: count, tokens: count, injected: count, billed: z.boolean() })
export const storedReceipt = z.object({ receipt, usage: receiptUsage.optional() })
export const whyQuery = z
  .strictObject({ seq: z.coerce.number().int().positive().optional(), memoryId: id.optional() })
  .refine(({ seq, memoryId }) => (seq === undefined) !== (memoryId === undefined), { error: 'give either seq or memoryId' })
const call = z.object({ receipt: id, at: timeMs })
export const course = z.object({
  stretches: z.array(z.looseObject({ sent: z.union([z.boolean(), z.literal('unknown')]), epoch: count, from: call, to: call, calls: count })),
  left: z.looseObject({ ...call.shape, cause: z.string() }).optional(),
})
export const newUsage = z.strictObject({ ...usage.shape, answer: z.string().optional() })

// --- memories -----------------------------------------------------------------------------------------------------------------

export const newMemory = z.strictObject({
  text: z.string().min(1),
  kind: z.enum(memoryKinds).optional(),
  slot: z.string().min(1).optional(),
  value: z.string().min(1).optional(),
  validFrom: timeMs.optional(),
  validUntil: timeMs.optional(),
  supersedes: z.array(id).max(limits.evidenceSpans).optional(),
})
export const record = z.looseObject({
  id,
  kind: z.enum(memoryKinds),
  text: z.string(),
  saidAt: timeMs,
  origin: z.enum(origins),
  authority: z.enum(authorities),
  list: z.enum(recallLists),
})
export const memoryFilter = z.strictObject({
  ...page.shape,
  kind: z.enum(memoryKinds).optional(),
  slot: z.string().optional(),
  origin: z.enum(origins).optional(),
  authority: z.enum(authorities).optional(),
  session: id.optional(),
  validAt: z.coerce.number().int().nonnegative().optional(),
  status: z.enum(['current', 'ended', 'all']).optional(),
})
export const search = z.strictObject({
  query: z.string(),
  limit: z.int().optional(),
  kinds: z.array(z.enum(memoryKinds)).optional(),
  validAt: timeMs.optional(),
  since: timeMs.optional(),
  until: timeMs.optional(),
  speaker: z.string().optional(),
  subject: z.string().optional(),
  slot: z.string().optional(),
  minAuthority: z.enum(authorities).optional(),
  arms: z.enum(['hybrid', 'lexical', 'dense']).optional(),
  floor: z.number().optional(),
  explain: z.boolean().optional(),
  timeoutMs: z.int().positive().optional(),
})
export const found = z.looseObject({
  hits: z.array(z.looseObject({ record, rank: count, relevance: z.number() })),
  abstained: z.boolean(),
  floor: z.number(),
})

// --- deletion, usage, credentials ---------------------------------------------------------------------------------------------

export const deletion = z.looseObject({
  id,
  verb: z.enum(['forget', 'delete', 'redact', 'erase']),
  target: z.string(),
  requestedAt: timeMs,
  completedAt: timeMs,
  removed: z.array(z.object({ store: z.string(), logs: count, entries: count, snapshots: count, bytes: count })),
  records: count,
  rederived: count,
  keptWhy: z.array(z.object({ what: z.string(), why: z.string() })),
  probes: z.array(z.object({ place: z.string(), lookedFor: count, found: count })),
  notProbed: z.array(z.object({ place: z.string(), why: z.string(), goneBy: timeMs.optional() })),
  clean: z.boolean(),
  mac: z.string(),
})
export const forget = z.strictObject({ sources: z.enum(['true', 'false']).optional() })
export const usageQuery = z.strictObject({ session: id.optional(), since: z.coerce.number().int().nonnegative().optional() })
export const erase = z.strictObject({ confirm: z.string(), dryRun: z.boolean().optional() })
export const figures = z.object({ memory: z.looseObject({}), retrieval: z.looseObject({}), tokens: z.looseObject({}), injection: z.looseObject({}) })
export const whoami = z.object({
  tenant: id,
  owner: id.optional(),
  roles: z.array(z.enum(roles)),
  grants: z.array(z.enum(grants)),
  person: z.boolean(),
  credentialId: id,
  expiresAt: timeMs,
})
export const newKey = z.strictObject({
  name: z.string().min(1).max(200),
  owner: id.optional(),
  roles: z.array(z.enum(roles)).min(1),
  grants: z.array(z.enum(grants)).optional(),
  userText: z.enum(['user-typed', 'paste']),
  expiresAt: timeMs.optional(),
})
export const key = z.looseObject({
  id,
  name: z.string(),
  roles: z.array(z.enum(roles)),
  userText: z.enum(['user-typed', 'paste']),
  createdAt: timeMs,
  expiresAt: timeMs,
})
export const keyWithSecret = z.object({ key, secret: z.string().optional() }) // not there in the answer to the same request again
export const sweep = z.strictObject({ dryRun: z.boolean().optional(), until: timeMs.optional() })
export const swept = z.looseObject({ dryRun: z.boolean(), looked: count, deleted: count, failed: count, items: z.array(z.looseObject({})) })
export const checks = z.object({ ready: z.boolean(), checks: z.array(z.object({ name: z.string(), state: z.enum(['ok', 'warn', 'fail']) })) })
export const alive = z.object({ alive: z.literal(true) })
export const healthDetails = z.object({ ...checks.shape, details: jsonObject })
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    retryable: z.boolean(),
    nextStep: z.string(),
    requestId: z.string(),
    limit: z.number().optional(),
    given: z.number().optional(),
    details: z.record(z.string(), json).optional(),
  })
  .openapi('Problem')
export const openaiProblem = z
  .object({ error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }) })
  .openapi('OpenAIError')
