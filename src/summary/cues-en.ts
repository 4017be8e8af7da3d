// The words by which English sentences are told apart: the only part of a sheet that knows a language (SUM-4).

const cue = (words: readonly string[]): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join('|')})(?![\\p{L}\\p{N}])`, 'iu')

const request = [
  'i want',
  'i need',
  "i['’]d like",
  'i would like',
  'help me',
  'can you',
  'could you',
  'please',
  'we need',
  'we want',
  'write',
  'create',
  'build',
  'make',
  'find',
  'fix',
  'plan',
  'explain',
]
const newTask = ['new task', 'next task', 'now i want', 'now i need', 'another task', 'another thing', 'my goal is', 'the goal is', 'our goal is']
const constraint = [
  'i prefer',
  'we prefer',
  'always',
  'never',
  'do not',
  "don['’]t",
  'must not',
  "must(?! (?:have|be)|['’]ve)",
  'only use',
  'avoid',
  'at most',
  'at least',
  'no more than',
]
const decision = [
  'decided',
  'decide to',
  'go with',
  'going with',
  'agreed',
  "let['’]s use",
  'we will use',
  "we['’]ll use",
  'chose',
  'settled on',
  'use .{1,60} instead',
]
const commitment = ['i will', "i['’]ll", 'we will', "we['’]ll", 'let us', "let['’]s", 'to do', 'todo', 'please .{1,200} by']
const correction = ['actually', 'instead', 'no,', 'correction', 'i meant', 'not anymore', 'no longer', 'changed my mind']

export const cues = {
  request: cue(request),
  newTask: cue(newTask),
  constraint: cue(constraint),
  decision: cue(decision),
  commitment: cue(commitment),
  correction: new RegExp(
    `(?<![\\p{L}\\p{N}])(?:${correction.map((word) => (word === 'no,' ? 'no,' : `${word}(?![\\p{L}\\p{N}])`)).join('|')})`,
    'iu',
  ),
  // A first look that most sentences fail. Without the flag `u` it is several times as fast.
  any: new RegExp(
    `\\b(?:${[...newTask, ...constraint, ...decision, ...commitment, ...correction].map((word) => word.replace(/ \.\{.*$/, '')).join('|')})`,
    'i',
  ),
} as const

/** Words that say little about what a sentence is about, and capitals that begin a sentence without naming anything. */
export const commonWords: ReadonlySet<string> = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can could did do does doing done down
  each else even few first for from further get go going good got had has have having he her here hers him his how i if in into is it its just know let like
  make many me might more most much must my never new next no nor not now of off ok okay on once one only or other our out over own please quite really right
  said same say she should since so some still such sure take than thanks thank that the their them then there these they thing think this those though through
  to too two under until up upon us use very want was way we well were what when where which while who whom whose why will with without would yeah yes yet you your
  hello hi hey great actually instead always don't i'm i'll i've it's that's there's let's we're you're can't won't monday tuesday wednesday thursday friday
  saturday sunday january february march april may june july august september october november december`.split(/\s+/),
)
