// Promises of the gateway (surfaces.md §2, §3).
export const gateway = {
  'GW-11': 'what an upstream sends is read within a bound',
  'OAI-15': 'a stream gives the same answer wherever its bytes are cut',
  'OAI-17': 'usage that is missing or garbage is null, never 0',
  'OAI-23': 'a preview plans messages as if appended, and writes nothing',
} as const
