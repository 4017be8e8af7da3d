// Replays a data set into memory, asks its questions at home and elsewhere, and keeps what the search says each candidate is made of.
import { createRecollect } from '../src/create-recollect.ts'
import type { RecallList } from '../src/core/authority.ts'
import { chooseQuestions } from '../src/eval/ask.ts'
import type { DataSet } from '../src/eval/data-set.ts'
import { replayAll, type Replayed } from '../src/eval/replay.ts'
import { seeded } from '../src/eval/seeded.ts'
import type { Explanation, User } from '../src/recollect.ts'
import { everyPage } from '../src/security/every-page.ts'
import { memoryKeyProvider } from '../src/security/index.ts'
import { memoryStore } from '../src/stores/memory/index.ts'
import { manualClock } from '../src/testing/manual-clock.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { weights } from '../src/recall/weights.ts'
import { foldsOf } from './newton.ts'

export const featureNames = Object.keys(weights.features) as (keyof typeof weights.features)[]
export const quantityNames = (Object.keys(weights.relevance) as (keyof typeof weights.relevance)[]).filter((name) => name !== 'bias')

export const deepest = 25 // hits of the trusted list, as `eval retrieval` asks for

export interface Candidate {
  readonly id: string
  readonly list: RecallList
  readonly saidAt: number
  readonly message: string // of several units of a message one is a hit (RCL-9)
  readonly names: readonly string[] // the data's messages that it counts for
  readonly features: readonly number[]
  readonly quantities: readonly number[]
}

/** One question, and what it meets in its own conversation and in another of the same fold. */
export type Arm = 'hybrid' | 'lexical'
export interface Case {
  readonly weight: number // the questions of a set weigh 1 together
  readonly fold: number
  readonly gold: readonly string[]
  readonly candidates: readonly Candidate[] // in no order
  readonly hits: Readonly<Record<Arm, { readonly own: readonly number[][]; readonly foreign: readonly number[][] }>> // quantities
}

function valuesOf(names: readonly string[], of: Explanation['features']): number[] {
  return names.map((name) => {
    const value = of?.[name]
    if (value === undefined) throw new Error(`the search tells nothing of ${name}`)
    return value
  })
}

/** With a clock that stands still no deadline passes, so a busy machine collects the same as an idle one. */
async function openEmpty(seed: number) {
  const clock = manualClock(Date.now())
  const random = seededRandom(seed)
  const store = () => memoryStore({ clock })
  return createRecollect({
    clock,
    random,
    background: false,
    seal: 'off',
    receipts: 'off',
    keyProvider: memoryKeyProvider({ random }),
    stores: { sessions: store(), memories: store(), keys: store() },
  })
}

async function explained(user: User, text: string, arms: Arm): Promise<readonly Explanation[]> {
  const { explanations = [], degraded } = await user.memories.search(text, { limit: deepest, floor: 0, arms, explain: true })
  if (degraded.length > 0) throw new Error('a search lacked an arm: nothing can be fitted to it')
  return explanations
}

/** What a candidate is, beside its numbers. */
async function placesOf({ user, messageAt }: Replayed): Promise<Map<string, Pick<Candidate, 'saidAt' | 'message' | 'names'>>> {
  const places = new Map<string, Pick<Candidate, 'saidAt' | 'message' | 'names'>>()
  for await (const { id, saidAt, evidence } of everyPage((page) => user.memories.list({}, page))) {
    const names = evidence.flatMap(({ log, seq }) => messageAt(log, seq)?.id ?? [])
    places.set(id, { saidAt, message: names[0] ?? id, names })
  }
  return places
}

export async function collect(data: DataSet, { folds, seed }: { folds: number; seed: number }): Promise<Case[]> {
  const categories = [...new Set(data.conversations.flatMap(({ questions }) => questions.map(({ category }) => category)))]
  const { chosen } = chooseQuestions(data, { categories: categories.filter((name) => !data.apart.includes(name)), seed })
  const recollect = await openEmpty(seed)
  try {
    const { replayed } = await replayAll(recollect, data.conversations, () => {})
    const random = seeded(seed)
    const foldOf = foldsOf(replayed.length, folds, random)
    const places = await Promise.all(replayed.map(placesOf))
    const cases: Case[] = []
    for (const { conversation, question } of chosen) {
      const at = data.conversations.indexOf(conversation)
      const others = replayed.filter((_, other) => other !== at && foldOf[other] === foldOf[at])
      const stranger = others[Math.floor(random() * others.length)]
      if (stranger === undefined)
        throw new Error(`${data.name}: ${folds} folds need ${2 * folds} conversations, since a foreign one is of the same fold`)
      const ask = (of: Replayed, arms: Arm) => explained(of.user, question.text, arms)
      const hitsOf = (all: readonly Explanation[]) =>
        all.filter(({ fate }) => fate === 'returned').map(({ quantities }) => valuesOf(quantityNames, quantities))
      const own = await ask(replayed[at]!, 'hybrid')
      cases.push({
        weight: 1 / chosen.length,
        fold: foldOf[at]!,
        gold: question.evidence,
        candidates: own.map(({ id, list, features, quantities }) => ({
          id,
          list: list!,
          ...places[at]!.get(id)!,
          features: valuesOf(featureNames, features),
          quantities: valuesOf(quantityNames, quantities),
        })),
        hits: {
          hybrid: { own: hitsOf(own), foreign: hitsOf(await ask(stranger, 'hybrid')) },
          lexical: { own: hitsOf(await ask(replayed[at]!, 'lexical')), foreign: hitsOf(await ask(stranger, 'lexical')) },
        },
      })
    }
    return cases
  } finally {
    await recollect.close()
  }
}
