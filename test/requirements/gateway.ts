// Promises of the gateway (surfaces.md §2, §3).
export const gateway = {
  'ACC-9': 'what belongs to somebody else is as absent as what never was, byte for byte',
  'ACC-14': 'a request by another host name is refused',
  'GW-6': 'the same idempotency key has one effect, and another body under it is refused',
  'GW-7': 'a stale revision is a conflict and changes nothing',
  'GW-10': 'errors are problem details: a code, a next step, and no content',
  'GW-12': 'unknown fields are refused on native routes',
  'OAI-3': 'no session is made from the text of a request',
  'OAI-4': 'a chat call without a session name stores nothing',
  'OAI-6': 'a chat turn stores what was said and what was answered',
  'OAI-20': 'our key never goes upstream',
  'GW-11': 'what an upstream sends is read within a bound',
  'OAI-15': 'a stream gives the same answer wherever its bytes are cut',
  'OAI-17': 'usage that is missing or garbage is null, never 0',
  'OAI-23': 'a preview plans messages as if appended, and writes nothing',
} as const
