// Promises of the command line and its configuration (surfaces.md §1, §6, §9).
export const cli = {
  'RUN-7': 'the first start makes one key and says what to do next, and later ones make none',
  'RUN-13': 'a Node that is too old is told what is wanted',
  'CLI-1': 'a command gives the same in process and on a gateway',
  'CLI-3': 'stdout holds the result alone, as text or as one JSON document, with control characters made visible',
  'CLI-4': 'notes stay out under --quiet',
  'CLI-5': 'nothing is coloured without a terminal',
  'CLI-6': 'an error is one line what and one line next, names what is near, and shows no stack',
  'CLI-7': 'exit codes follow the error codes',
  'CLI-8': 'what destroys needs a typed name or --yes',
  'GW-14': 'a signal ends the gateway in order, with exit code 0',
} as const
