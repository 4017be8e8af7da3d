// The only list of settings: type, default, unit, reason (CFG-1, CFG-5). From it come the flags, the environment's names and docs/reference/config.md.
import { strategyNames } from '../core/context.ts'
import { limits } from '../core/limits.ts'
import { toolResultModes } from '../core/memory.ts'
import {
  baseUrl,
  bindAddress,
  flag,
  headerNames,
  hostNames,
  name,
  networks,
  oneOf,
  origins,
  profiles,
  secret,
  share,
  storeUrl,
  strategy,
  text,
  whole,
  type Kind,
} from './kinds.ts'

export interface Setting {
  readonly kind: Kind
  readonly fallback: unknown
  readonly reason: string
  /** Its value is a reference in a file, and never shown; it has no flag, since others can read a command line (CFG-4, CLI-1). */
  readonly secret?: true
  /** Its flag, where it is shorter than the name. */
  readonly flag?: string
}

export const settings = {
  dataDir: { kind: text, fallback: './.recollect', reason: 'Folder of the data file; made on first start. Keys lie beside it, in DATADIR-keys/.' },
  'stores.sessions': { kind: storeUrl, fallback: undefined, reason: 'Short-term memory: memory: or sqlite:PATH. Default: the data file.' },
  'stores.memories': { kind: storeUrl, fallback: undefined, reason: 'Long-term memory. Default: the data file.' },
  'stores.keys': { kind: storeUrl, fallback: undefined, reason: 'Wrapped keys and API keys. Default: keys.db in the keys folder.' },
  seal: { kind: oneOf('on', 'off'), fallback: 'on', reason: 'off: bodies lie in clear. Audited, and shown by health.' },
  embedder: { kind: oneOf('bundled', 'off'), fallback: 'bundled', reason: 'off: recall by words alone.' },
  receipts: {
    kind: oneOf('background', 'durable', 'off'),
    fallback: 'background',
    reason: 'durable: a context waits for its receipt; off: none is kept.',
  },
  'upstream.url': { kind: baseUrl, fallback: undefined, reason: 'Base URL of the model, up to and with /v1.' },
  'upstream.key': { kind: secret, fallback: undefined, secret: true, reason: 'Its API key.' },
  'upstream.name': { kind: name, fallback: 'upstream', reason: 'What health and metrics call it.' },
  'gateway.host': {
    kind: bindAddress,
    fallback: '127.0.0.1',
    flag: '--host',
    reason: 'Address to bind; another than loopback needs TLS, here or in a listed proxy.',
  },
  'gateway.port': { kind: whole(0, 65_535), fallback: 8787, flag: '--port', reason: 'Port to bind; 0 takes any free one.' },
  'gateway.hosts': { kind: hostNames, fallback: ['127.0.0.1', 'localhost', '[::1]'], reason: 'Host names a request may carry.' },
  'gateway.tls.certFile': {
    kind: text,
    fallback: undefined,
    reason:
      'PEM file with the certificate and its chain: the gateway then speaks https alone, TLS 1.2 or newer. A renewed one is served within a minute.',
  },
  'gateway.tls.keyFile': {
    kind: text,
    fallback: undefined,
    reason: "PEM file with its private key, not encrypted, and for its owner alone (mode 600; 640 where it is root's).",
  },
  'gateway.trustedProxy': {
    kind: networks,
    fallback: [],
    reason: 'Addresses and CIDR ranges of proxies with TLS before the gateway: their forwarded headers count, and no others.',
  },
  'gateway.cors': { kind: origins, fallback: [], reason: 'Origins that browsers may call from; none by default.' },
  'gateway.credentials': {
    kind: oneOf('operator', 'caller'),
    fallback: 'operator',
    reason: 'Whose key goes upstream. caller: that of Authorization, and ours stands in recollect-key.',
  },
  'gateway.sessionHeaders': {
    kind: headerNames,
    fallback: undefined,
    reason: 'Headers in which agents name their session, after recollect-session and x-session-id. Default: those of known agents.',
  },
  'gateway.withoutSession': {
    kind: oneOf('pass', 'refuse'),
    fallback: 'pass',
    reason: 'A chat call without a session name: pass (it goes on without memory) or refuse.',
  },
  'gateway.onEdit': {
    kind: oneOf('rewind', 'fork', 'refuse'),
    fallback: 'rewind',
    reason: 'A client that sends an edited history: rewind the session, fork it, or refuse.',
  },
  'gateway.drainDelayMs': { kind: whole(0, 60_000), fallback: 0, reason: 'Time between readiness 503 and the last new connection.' },
  'context.model': {
    kind: text,
    fallback: undefined,
    reason: 'Whose profile counts where neither call nor session names a model. Default: generic.',
  },
  'context.profiles': {
    kind: profiles,
    fallback: [],
    reason: 'Rows added to the model profiles, or in place of them: id, extends, match, windowTokens, cache, tokens and so on; a list, or its JSON.',
  },
  'context.budgetTokens': {
    kind: whole(limits.contextBudgetTokensLeast),
    fallback: undefined,
    reason: 'Tokens of a prompt, all of it. Default 32,000; less where the window of the model is small.',
  },
  'context.reserveOutputTokens': {
    kind: whole(0),
    fallback: undefined,
    reason: 'Tokens of the window kept for the answer. Default 4,096; at most half of the window.',
  },
  'context.strategy': {
    kind: strategy(strategyNames),
    fallback: undefined,
    reason:
      'What is kept when an epoch begins: slidingWindow, summary or hybrid (default); with options an object, or its JSON: {"name":"hybrid", "lowTokens":4000, "highTokens":9000, "summaryTokens":1000}.',
  },
  'context.minTurns': {
    kind: whole(0, limits.minTurnsMost),
    fallback: undefined,
    reason: 'Complete turns that stay verbatim when an epoch begins. Default 2.',
  },
  'context.state': { kind: flag, fallback: undefined, reason: 'The session state goes into the prompt. Default true.' },
  'context.timeoutMs': {
    kind: whole(1, limits.contextTimeoutMsMost),
    fallback: undefined,
    reason: 'Time that a context may take, recall and stores included. Default 10 s.',
  },
  'formation.toolResults': {
    kind: oneOf(...toolResultModes),
    fallback: 'off',
    reason: 'Tool results that form memories, always untrusted: off, short (at most 1,000 characters) or all.',
  },
  'recall.floor': {
    kind: share,
    fallback: limits.relevanceFloor,
    reason: 'Relevance under which nothing is found, in searches and prompts; 0 turns it off.',
  },
  'recall.partitionCacheBytes': {
    kind: whole(0),
    fallback: limits.partitionCacheBytes,
    reason: 'Memory that a process may hold of owners it searched, least recently used out. 1 GiB.',
  },
  'recall.mode': { kind: oneOf('on', 'off'), fallback: 'on', reason: 'off: no long-term memory in prompts; searching goes on.' },
  'recall.maxItems': {
    kind: whole(0, limits.recallLimitMost),
    fallback: undefined,
    reason: 'Memories a turn may bring into the prompt. Default 8.',
  },
  'recall.maxTokens': {
    kind: whole(0),
    fallback: undefined,
    reason: 'Tokens they may take; the best three stand even over it. Default 1,500.',
  },
  'recall.onFailure': {
    kind: oneOf('omit', 'fail'),
    fallback: undefined,
    reason: 'Recall that fails or is late: omit (go on without, and say so in the receipt; default) or fail.',
  },
  'expiry.idleMs': {
    kind: whole(limits.lifeMsLeast, limits.lifeMsMost),
    fallback: limits.idleMs,
    reason: 'A session without an append ends so long after the last one. 30 days.',
  },
  'expiry.absoluteMs': {
    kind: whole(limits.lifeMsLeast, limits.lifeMsMost),
    fallback: limits.absoluteMs,
    reason: 'And so long after it was made. 365 days.',
  },
  'limits.sessionEntries': { kind: whole(1), fallback: limits.sessionEntries, reason: 'Entries of one session.' },
  'limits.sessionBytes': { kind: whole(1), fallback: limits.sessionBytes, reason: 'Bytes of one session, sealed.' },
  'limits.ownerSessions': { kind: whole(1), fallback: limits.ownerSessions, reason: 'Sessions of one owner.' },
  'limits.ownerBytes': { kind: whole(1), fallback: limits.ownerBytes, reason: 'Bytes of one owner in all sessions and memories, sealed.' },
  'limits.ownerRecords': { kind: whole(1), fallback: limits.ownerRecords, reason: 'Records of one owner in long-term memory.' },
  'log.level': {
    kind: oneOf('debug', 'info', 'warn', 'error', 'silent'),
    fallback: 'warn',
    reason: 'Lines on stderr at or above it: debug, info, warn, error; silent: none.',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

/** `gateway.port` → `RECOLLECT_GATEWAY_PORT` (CFG-2). */
export const variableOf = (name: string): string =>
  `RECOLLECT_${name
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`

/** `gateway.trustedProxy` → `--gateway-trusted-proxy`; undefined for a secret. */
export function flagOf(name: SettingName): string | undefined {
  const { secret, flag }: Setting = settings[name]
  if (secret === true) return undefined
  return (
    flag ??
    `--${name
      .replaceAll('.', '-')
      .replaceAll(/([a-z])([A-Z])/g, '$1-$2')
      .toLowerCase()}`
  )
}
