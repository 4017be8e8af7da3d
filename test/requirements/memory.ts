// Promises of formation (memory.md §2).
export const memory = {
  'FORM-3': 'a message forms verbatim units, cut at sentence ends; code and data are left out and named',
  'FORM-4': 'tool results and system messages form none',
  'FORM-7': 'a job that fails runs again after a back-off, and blocks nothing',
  'POI-2': 'spans of different origins never share a unit',
  'MEM-P2': 'the quotes of a unit stand in its message, letter for letter',
} as const
