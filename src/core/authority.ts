// Where text came from, and what standing that gives it. Authority follows from origin alone (design §1.4, security §6).

/** The channel a span came through, fixed at the entrance (POI-1). */
export const origins = [
  'tool',
  'web',
  'file',
  'paste',
  'prefill',
  'import',
  'unknown',
  'assistant',
  'user-typed',
  'user-confirmed',
  'admin-policy',
] as const
export type Origin = (typeof origins)[number]

/** Lowest first. */
export const authorities = ['untrusted', 'assistant', 'typed', 'confirmed', 'policy'] as const
export type Authority = (typeof authorities)[number]

const byOrigin: Record<Origin, Authority> = {
  tool: 'untrusted',
  web: 'untrusted',
  file: 'untrusted',
  paste: 'untrusted',
  prefill: 'untrusted',
  import: 'untrusted',
  unknown: 'untrusted',
  assistant: 'assistant',
  'user-typed': 'typed',
  'user-confirmed': 'confirmed',
  'admin-policy': 'policy',
}

export const authorityOfOrigin = (origin: Origin): Authority => byOrigin[origin]

const rank = (authority: Authority): number => authorities.indexOf(authority)

/** True if `a` stands at `b` or higher. */
export const atLeast = (a: Authority, b: Authority): boolean => rank(a) >= rank(b)

/** What is derived has the lowest authority of its inputs (POI-2). No input is `untrusted`. */
export const lowest = (inputs: Iterable<Authority>): Authority => {
  let low: Authority | undefined
  for (const input of inputs) if (low === undefined || rank(input) < rank(low)) low = input
  return low ?? 'untrusted'
}

/** The recall list of a level: the candidates are parted before any similarity is computed (POI-10). */
export const recallLists = ['trusted', 'assistant', 'untrusted'] as const
export type RecallList = (typeof recallLists)[number]

export const listOf = (authority: Authority): RecallList =>
  authority === 'untrusted' ? 'untrusted' : authority === 'assistant' ? 'assistant' : 'trusted'
