// Promises of formation (memory.md §2).
export const memory = {
  'MEM-2': 'what was said never ends by supersession, and what may not be what it claims is only something that was said',
  'FORM-1': 'what was said in one session is found from another',
  'FORM-2': 'a job that is killed anywhere and run again leaves the same log',
  'FORM-5': 'both sides of a talk are formed, each at its own level',
  'MREG-1': 'injected memories form nothing',
  'MREG-3': 'an imported history keeps its dates',
  'MREG-15': 'what the assistant said is found',
  'POI-4': 'text that is not typed by the user never becomes a preference',
  'POI-8': 'the life of a record follows from its level, and recall does not renew it',
  'POI-9': 'a record supersedes only its own level or lower',
  'FORM-3': 'a message forms verbatim units, cut at sentence ends; code and data are left out and named',
  'FORM-4': 'tool results form none unless it is asked for, and then stay untrusted; system messages never do; media form their caption or title',
  'FORM-7': 'a job that fails runs again after a back-off, and blocks nothing',
  'POI-2': 'spans of different origins never share a unit',
  'MEM-P5': 'whichever store call a forming job dies at, the log comes out the same',
  'MEM-P2': 'the quotes of a unit stand in its message, letter for letter',
} as const
