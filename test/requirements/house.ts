// Promises of the house itself (design.md §3, §8), and of set-up and release.
export const house = {
  'DESIGN-3': 'imports go down the layer table, without cycles, and the engine imports no third party',
  'DESIGN-8.1': 'no file is a bag of everything, and nothing is left for later',
  'DESIGN-8.6': 'a function fits a screen and a file is a short read',
  'DESIGN-8.9': 'every limit and error code is named once and used',
  'DESIGN-8.10': 'each file opens by saying what it is for',
  'DESIGN-8.11': 'each promise has an id in the table, and each id a test',
  'REL-2': 'the root entry loads no third party and no database',
  'REL-10': 'documents lead where they say',
  'RUN-2': 'the README has exactly two commands',
  'DEP-1': 'the package brings at most 25 packages and 60 MB',
  'CFG-2': 'only the configuration and the commands read the environment',
} as const
