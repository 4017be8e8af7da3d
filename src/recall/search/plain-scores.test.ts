// The score and the relevance of every unit against the formulas of the specification, written plainly: one loop a sentence of RCL-2 and ABS-1.
import { expect, test } from 'vitest'
import { anOwner, noon, recallOver, type Said } from '../../../test/builders/recall.ts'
import { dateWords } from '../text/analyze.ts'
import type { Explanation } from '../search-types.ts'
import { denseShare } from '../weights.ts'

// The weights of the tables, not those of the code: a changed weight is a changed ranking.
const score = { win: 0.4, dense: 0.76, denseNear: 0.54, session: 0.55, speaker: 3.33, coverage: 2.49, long: -1.34, asks: -10 }
const withVector = { known: 3.58, coverage: 5.53, coverageNear: 0.57, cosine: 6.16, lexical: 0.86, long: -4.39, bias: -8 }
const ofWords = { known: 4.19, coverage: 4.2, coverageNear: 3.42, cosine: 0, lexical: 1.35, long: -4.78, bias: -6.4 }

const filler = Array.from({ length: 70 }, (_, i) => `filler${i % 9}`).join(' ')
// No stop words: they have terms of their own.
const said: readonly Said[] = [
  { text: 'boiler code 7731', session: 'one' },
  { text: 'kitchen boiler leaks today', session: 'one', authority: 'assistant' },
  { text: 'plumber Okonkwo repairs kitchen', session: 'one', speaker: 'Ann' },
  { text: `boiler ${filler}`, session: 'one' },
  { text: 'seven words stand amid two lonely rows', session: 'one', vector: false },
  { text: 'code code repeated', session: 'one', authority: 'assistant' },
  { text: 'boiler code?', session: 'two' },
  { text: 'garden fence painted green', session: 'two' },
  { text: 'green boiler', session: 'three', vector: false },
  { text: 'nothing shared', session: 'four' },
]
const query = 'Ann boiler code unheard Wednesday'
const queryTerms = ['ann', 'boiler', 'code', 'unheard', 'wednesday']

interface Unit {
  readonly at: number // in `said`
  readonly list: string
  readonly session: string
  readonly frequencies: ReadonlyMap<string, number>
  readonly weighty: number
  readonly words: number
  readonly cosine: number | undefined
}

const wordsOf = (text: string) => text.toLowerCase().match(/\w+/g) ?? []
/** LEX-4: text and speaker 1, date 0.5. */
function frequenciesOf({ text, speaker }: Said, at: number): Map<string, number> {
  const out = new Map<string, number>()
  const add = (words: readonly string[], weight: number) => {
    for (const word of words) out.set(word, (out.get(word) ?? 0) + weight)
  }
  add(wordsOf(text), 1)
  add(wordsOf(speaker ?? ''), 1)
  add(dateWords(noon + (at + 1) * 60_000), 0.5)
  return out
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const z = (value: number, values: readonly number[]) => {
  const deviation = Math.sqrt(mean(values.map((one) => one * one)) - mean(values) ** 2)
  return deviation < 1e-6 ? 0 : (value - mean(values)) / deviation
}
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)

function plainly(units: readonly Unit[]) {
  const of = (list: string) => units.filter((unit) => unit.list === list)
  const holding = (list: string, term: string) => of(list).filter((unit) => unit.frequencies.has(term)).length
  const idf = (list: string, term: string) => Math.log(1 + (of(list).length - holding(list, term) + 0.5) / (holding(list, term) + 0.5))
  const bm25 = (unit: Unit, term: string) => {
    const tf = unit.frequencies.get(term) ?? 0
    const long = unit.weighty / mean(of(unit.list).map(({ weighty }) => weighty))
    return tf === 0 ? 0 : (idf(unit.list, term) * tf * 2.2) / (tf + 1.2 * (0.25 + 0.75 * long))
  }
  const own = (unit: Unit) => sum(queryTerms.map((term) => bm25(unit, term)))
  const thread = (unit: Unit) => units.filter(({ session }) => session === unit.session)
  /** Neighbours of both lists within so many, with the words that lie between. */
  const near = (unit: Unit, reach: number) => {
    const all = thread(unit)
    const place = all.indexOf(unit)
    return all.flatMap((other, at) => {
      const between = all.slice(Math.min(at, place) + 1, Math.max(at, place))
      return other === unit || Math.abs(at - place) > reach ? [] : [{ other, between: sum(between.map(({ words }) => words)) }]
    })
  }
  const win = (unit: Unit) =>
    sum(
      queryTerms.map((term) =>
        Math.max(bm25(unit, term), ...near(unit, 3).map(({ other, between }) => bm25(other, term) * 0.7 * Math.exp(-between / 40))),
      ),
    )
  const best = (unit: Unit) => Math.max(...thread(unit).map(own))
  const cosines = (list: string) => {
    const there = of(list).flatMap(({ cosine }) => cosine ?? [])
    return of(list).map(({ cosine }) => cosine ?? Math.min(...there)) // one without a vector gets the lowest
  }
  const dense = (unit: Unit) => z(cosines(unit.list)[of(unit.list).indexOf(unit)] as number, cosines(unit.list))
  const covered = (unit: Unit, terms: readonly string[]) =>
    sum(terms.filter((term) => unit.frequencies.has(term)).map((term) => idf(unit.list, term)))
  const known = (list: string) => queryTerms.filter((term) => holding(list, term) > 0)
  return (unit: Unit) => {
    const { text, speaker } = said[unit.at] as Said
    const neighbours = near(unit, 1).map(({ other }) => dense(other))
    const features = {
      win: z(win(unit), of(unit.list).map(win)),
      dense: dense(unit),
      denseNear: neighbours.length === 0 ? 0 : mean(neighbours),
      session: z(best(unit), of(unit.list).map(best)),
      speaker: speaker === 'Ann' ? 1 : 0,
      coverage: covered(unit, known(unit.list)) / sum(known(unit.list).map((term) => idf(unit.list, term))),
      long: Math.max(0, Math.log(unit.words / 60)),
      asks: text.endsWith('?') ? 1 - unit.words / 20 : 0,
    }
    const all = sum(queryTerms.map((term) => idf(unit.list, term)))
    const around = [unit, ...near(unit, 3).map(({ other }) => other)]
    const reached = queryTerms.filter((term) => around.some(({ frequencies }) => frequencies.has(term)))
    const w = unit.cosine === undefined ? ofWords : withVector
    const quantities = {
      known: sum(known(unit.list).map((term) => idf(unit.list, term))) / all,
      coverage: covered(unit, queryTerms) / all,
      coverageNear: sum(reached.map((term) => idf(unit.list, term))) / all,
      cosine: unit.cosine ?? 0,
      lexical: own(unit) / (all * 2.2),
      long: features.long,
    }
    const logit = w.bias + sum(Object.entries(quantities).map(([name, value]) => value * w[name as keyof typeof quantities]))
    return {
      features,
      quantities,
      score: sum(Object.entries(features).map(([name, value]) => value * score[name as keyof typeof score])),
      relevance: 1 / (1 + Math.exp(-logit)),
    }
  }
}

async function explained(): Promise<Map<string, Explanation>> {
  const owner = await anOwner()
  await owner.say(...said)
  const found = await recallOver(owner.store).search(owner.scope, query, { floor: 0, explain: true, limit: 100 })
  return new Map(found.explanations?.map((one) => [one.id, one]))
}

test('every candidate has the score and the relevance of the formulas [RCL-2, ABS-1, LEX-4]', async () => {
  const found = await explained()
  const units = said.map((one, at): Unit => {
    const { list = 'trusted', dense } = found.get(`mem_${at + 1}`) ?? {}
    const words = one.text.split(' ').length
    const frequencies = frequenciesOf(one, at)
    return { at, list, session: one.session as string, frequencies, weighty: wordsOf(one.text).length, words, cosine: dense?.score }
  })
  const plain = plainly(units)
  expect(found.size).toBe(said.length)
  for (const unit of units) {
    const one = found.get(`mem_${unit.at + 1}`) as Explanation
    const { features, quantities, score: total, relevance } = plain(unit)
    for (const [name, value] of Object.entries(features))
      expect([unit.at, name, one.features?.[name]]).toEqual([unit.at, name, expect.closeTo(value, 4)])
    for (const [name, value] of Object.entries(quantities))
      expect([unit.at, name, one.quantities?.[name]]).toEqual([unit.at, name, expect.closeTo(value, 4)])
    expect([unit.at, one.score]).toEqual([unit.at, expect.closeTo(total, 4)])
    expect([unit.at, one.relevance]).toEqual([unit.at, expect.closeTo(relevance, 4)])
  }
})

test('scores and relevances are whole millionths [RCL-10]', async () => {
  for (const { score: total = 0.5, relevance = 0.5 } of (await explained()).values())
    for (const value of [total, relevance]) expect(value).toBe(Math.round(value * 1e6) / 1e6)
  const fine = [...(await explained()).values()].map(({ score: total = 0 }) => Math.round(total * 1e6) % 1_000)
  expect(fine.some((rest) => rest !== 0)).toBe(true) // and no coarser
})

test('the share of the dense arm in the base follows from the embedder [RCL-2]', () => {
  const ids = ['static-en-128@1', 'static-en-256@1', 'e5-small-v2-int8@1', 'text-embedding-3-small', undefined]
  expect(ids.map(denseShare)).toEqual([0.5, 0.5, 0.75, 0.5, 0])
})
