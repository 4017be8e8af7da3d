// Promises of the alignment of histories (surfaces.md §3).
export const align = {
  'OAI-7': 'two copies of one message have one canonical form',
  'OAI-8': 'a request is aligned to the path by its longest counting match, and only what is new is appended',
  'OAI-9': 'a client may say that it sends its full history, or only the tail',
  'OAI-10': 'a retry is stored once, and an answer that was cut off matches what the client saw of it',
  'OAI-11': 'whatever the style of the client, each message stands in the path once, in order',
} as const
