// Promises of the JSON reader (security.md §5).
export const json = {
  'ACC-11': 'each limit holds one below, at and one above, with its code',
  'ACC-12': 'one strict JSON reader: UTF-8, each key once, no prototype, bounded; unknown fields refused',
} as const
