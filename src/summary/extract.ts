// The extractors, one a kind, over one message and the items so far. Pure, linear, and the same on every machine (SUM-1, SUM-4).
import { atLeast, lowest, type Authority } from '../core/authority.ts'
import { limits } from '../core/limits.ts'
import { authorityOfMessage, type LoggedMessage, type Part } from '../core/message.ts'
import { findFences } from '../security/data-fence.ts'
import { cues } from './cues-en.ts'
import { contentWords, identifiersOf, namesOf } from './identifiers.ts'
import { sentencesOf, type Sentence } from './sentences.ts'
import { dropOrder, itemKinds, type ItemKind, type SheetItem } from './sheet.ts'

/** An item before it has an id. */
export type Draft = { -readonly [K in keyof Omit<SheetItem, 'id' | 'supersedes' | 'madeBy' | 'refs'>]: SheetItem[K] } & {
  refs: number[]
  readonly canonical: string
  lastTurn: number
  supersedes?: Draft
  words?: ReadonlySet<string> // content words, once they were asked for
}

/** The items of a log, in the order of their first mention. */
export function extractItems(messages: readonly LoggedMessage[]): readonly Draft[] {
  const sheet = growingSheet()
  let turn = 0
  let before: string | undefined
  for (const logged of messages) {
    if (logged.message.role === 'user' && before !== 'user') turn++
    before = logged.message.role
    sheet.take(logged, turn)
  }
  return sheet.end()
}

/** Where a sentence was said. */
interface Said {
  readonly seq: number
  readonly turn: number
  readonly authority: Authority
}
type Add = (kind: ItemKind, text: string, said: Said) => Draft | undefined

interface Segment {
  readonly firstTurn: number
  readonly firstSeq: number
  lastSeq: number
  authority: Authority
  readonly topics: Topics
}
/** Names and identifiers of a segment: how often, and where first. */
type Topics = Map<string, { count: number; readonly seq: number }>

function growingSheet(): { take(logged: LoggedMessage, turn: number): void; end(): readonly Draft[] } {
  let drafts: Draft[] = []
  const byText = new Map(itemKinds.map((kind) => [kind, new Map<string, Draft>()]))
  const recent: Recent = { questions: [], correctable: [] }
  let segment: Segment | undefined
  const add: Add = (kind, text, said) => {
    const canonical = canonicalText(kind, text)
    if (canonical === '') return undefined
    const ofKind = byText.get(kind) as Map<string, Draft>
    const known = ofKind.get(canonical)
    if (known !== undefined) return mention(known, said)
    const draft = newDraft(kind, text, canonical, said)
    drafts.push(draft)
    ofKind.set(canonical, draft)
    remember(recent, draft)
    if (drafts.length > 2 * limits.sheetItems) {
      const kept = new Set((drafts = bounded(drafts)))
      for (const known of byText.values()) for (const [key, one] of known) if (!kept.has(one)) known.delete(key)
    }
    return draft
  }
  const endSegment = (): void => {
    if (segment !== undefined) addHint(segment, add)
    segment = undefined
  }
  return {
    take(logged, turn) {
      const said: Said = { seq: logged.seq, turn, authority: authorityOfMessage(logged.message) }
      if (segment !== undefined && turn >= segment.firstTurn + limits.sheetSegmentTurns) endSegment()
      const first = segment === undefined
      segment ??= { firstTurn: turn, firstSeq: said.seq, lastSeq: said.seq, authority: said.authority, topics: new Map() }
      segment.lastSeq = said.seq
      segment.authority = lowest([segment.authority, said.authority])
      takeMessage(logged, said, { add, drafts, recent, topics: segment.topics, first })
    },
    end() {
      endSegment()
      return bounded(drafts)
    },
  }
}

/** SUM-3 on the sheet itself, past 2,000 items; what is kept stays in its order. */
function bounded(drafts: Draft[]): Draft[] {
  if (drafts.length <= limits.sheetItems) return drafts
  const gone = new Set(drafts.toSorted(dropOrder).slice(0, drafts.length - limits.sheetItems))
  return drafts.filter((draft) => !gone.has(draft))
}

interface Place {
  readonly add: Add
  readonly drafts: readonly Draft[]
  readonly recent: Recent
  readonly topics: Topics
  readonly first: boolean // of its segment
}

function takeMessage({ message }: LoggedMessage, said: Said, place: Place): void {
  const { add } = place
  const texts = textsOf(message.parts).map(withoutFences)
  const prose = texts.map((text) => takeCode(text, said, place))
  const sentences = prose.flatMap(sentencesOf)
  const topic = sentences[0]?.text
  if (place.first && topic !== undefined) add('timeline', topic, said)
  for (const part of message.parts) {
    if (part.type === 'tool-call') add('artifact', `called ${part.name}`, said)
    if (part.type === 'tool-result')
      add(
        'artifact',
        `${part.failed === true ? 'tool failed' : 'tool answered'}: ${sentencesOf(textsOf([part])[0] ?? '')[0]?.text ?? 'nothing'}`,
        said,
      )
  }
  const goal = message.role === 'user' ? goalIn(sentences, place.drafts) : undefined
  for (const sentence of sentences) takeSentence(sentence, goal === sentence ? 'goal' : kindOf(sentence, message.role), said, place)
  if (message.role === 'assistant') resolveQuestions(place.recent.questions, sentences)
}

const textsOf = (parts: readonly Part[]): string[] =>
  parts.flatMap((part) => (part.type === 'text' ? [part.text] : part.type === 'tool-result' ? textsOf(part.content) : []))

/** What Recollect itself placed is said elsewhere already. */
function withoutFences(text: string): string {
  let [out, from] = ['', 0]
  for (const { start, end } of findFences(text)) {
    out += text.slice(from, start)
    from = end
  }
  return from === 0 ? text : out + text.slice(from)
}

const fence = '```'

/** Notes code fences as artifacts, with the identifiers in them, and gives the text that is left. */
function takeCode(text: string, said: Said, { add }: Place): string {
  if (!text.includes(fence)) return text
  return text
    .split(fence)
    .map((piece, index) => {
      if (index % 2 === 0) return piece
      const [language = '', ...lines] = piece.split('\n')
      const head = (lines.find((line) => line.trim() !== '') ?? language).trim().slice(0, limits.identifierUnits)
      if (head !== '') add('artifact', `code: ${head}`, said)
      for (const identifier of identifiersOf(piece)) add('identifier', identifier, said)
      return ''
    })
    .join('\n')
}

/** The first request of a task: the first of the log, and those that say that they begin one. */
function goalIn(sentences: readonly Sentence[], drafts: readonly Draft[]): Sentence | undefined {
  const begun = sentences.find(({ text }) => cues.any.test(text) && cues.newTask.test(text))
  if (begun !== undefined || drafts.some(({ kind }) => kind === 'goal')) return begun
  return (
    sentences.find(({ text }) => cues.request.test(text)) ??
    sentences.find((sentence) => ['fact', 'question'].includes(kindOf(sentence, 'user')) && contentWords(sentence.text).size >= 2)
  )
}

/** By cue; `fact` if a name or an identifier turns out to be in it. */
function kindOf({ text, asks }: Sentence, role: string): ItemKind {
  if (role !== 'user' && role !== 'assistant') return 'fact'
  if (role === 'user' && asks) return 'question'
  if (!cues.any.test(text)) return 'fact'
  if (role === 'user' && cues.constraint.test(text)) return 'constraint'
  if (cues.decision.test(text)) return 'decision'
  return cues.commitment.test(text) && contentWords(text).size >= 2 ? 'commitment' : 'fact'
}

function takeSentence(sentence: Sentence, kind: ItemKind, said: Said, { add, drafts, recent, topics }: Place): void {
  const { text } = sentence
  const identifiers = sentence.mayIdentify ? identifiersOf(text) : []
  const names = sentence.mayName ? namesOf(text) : []
  const corrects = atLeast(said.authority, 'assistant') && cues.any.test(text) && cues.correction.test(text)
  const worthy = kind !== 'fact' || identifiers.length > 0 || names.length > 0 || corrects
  const draft = worthy && (identifiers.length !== 1 || identifiers[0] !== text) ? add(kind, text, said) : undefined
  if (corrects && draft !== undefined) supersede(recent.correctable, drafts, draft)
  for (const identifier of identifiers) add('identifier', identifier, said)
  for (const name of names) add('entity', name, said)
  for (const topic of [...names, ...identifiers]) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, { count: 1, seq: said.seq })
    else known.count++
  }
}

const correctable: ReadonlySet<ItemKind> = new Set(['fact', 'decision', 'constraint', 'commitment', 'goal'])

/** The newest items that may be answered or corrected, newest last. */
interface Recent {
  readonly questions: Draft[]
  readonly correctable: Draft[]
}

function remember(recent: Recent, draft: Draft): void {
  const list = draft.kind === 'question' ? recent.questions : correctable.has(draft.kind) ? recent.correctable : undefined
  if (list === undefined) return
  list.push(draft)
  if (list.length > limits.itemsCompared) list.shift()
}

const wordsOf = (draft: Draft): ReadonlySet<string> => (draft.words ??= contentWords(draft.text))

/** A correction ends the item that it overlaps most, the newest of equals; never one of a higher standing (SUM-1, POI-9). */
function supersede(candidates: readonly Draft[], drafts: readonly Draft[], by: Draft): void {
  const words = wordsOf(by)
  let best: { draft: Draft; shared: number } | undefined
  for (const draft of candidates.toReversed()) {
    if (draft === by || draft.status !== 'open' || draft.lastSeq > by.lastSeq || !atLeast(by.authority, draft.authority)) continue
    const other = wordsOf(draft)
    const shared = sharedWords(words, other)
    if (shared > (best?.shared ?? 0) && shared * 2 >= Math.min(words.size, other.size)) best = { draft, shared }
  }
  if (best === undefined) return
  const old = best.draft
  old.status = 'superseded'
  by.supersedes = old
  // The old value is gone with its sentence, unless it was said elsewhere; said again, it is mentioned next.
  const alone = ({ kind, firstSeq, lastSeq }: Draft) => kind === 'identifier' && firstSeq === old.firstSeq && lastSeq === old.lastSeq
  for (const draft of drafts) if (alone(draft) && old.text.includes(draft.text)) draft.status = 'superseded'
}

/** An assistant's message that takes up half of a question's words answers it. */
function resolveQuestions(questions: readonly Draft[], sentences: readonly Sentence[]): void {
  const open = questions.filter(({ status }) => status === 'open')
  if (open.length === 0) return
  const words = contentWords(sentences.map(({ text }) => text).join('\n'))
  for (const draft of open) if (sharedWords(wordsOf(draft), words) * 2 >= wordsOf(draft).size) draft.status = 'resolved'
}

const sharedWords = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  let shared = 0
  for (const word of a) if (b.has(word)) shared++
  return shared
}

function addHint({ topics, firstSeq, lastSeq, firstTurn, authority }: Segment, add: Add): void {
  const top = [...topics].toSorted(([a, m], [b, n]) => n.count - m.count || m.seq - n.seq || (a < b ? -1 : 1)).slice(0, limits.hintTopics)
  const hint = top.length === 0 ? undefined : add('hint', top.map(([topic]) => topic).join(' · '), { seq: lastSeq, turn: firstTurn, authority })
  if (hint === undefined) return
  hint.refs = [...new Set(top.map(([, { seq }]) => seq))].toSorted((a, b) => a - b)
  hint.firstSeq = Math.min(hint.firstSeq, firstSeq)
}

const newDraft = (kind: ItemKind, text: string, canonical: string, { seq, turn, authority }: Said): Draft => ({
  kind,
  text,
  canonical,
  refs: [seq],
  firstSeq: seq,
  lastSeq: seq,
  mentions: 1,
  lastTurn: turn,
  status: 'open',
  authority,
})

function mention(draft: Draft, { seq, turn, authority }: Said): Draft {
  if (draft.lastTurn !== turn) draft.mentions++
  if (draft.lastSeq !== seq)
    draft.refs = [draft.refs[0] as number, ...draft.refs.slice(1), seq].toSpliced(1, Math.max(0, draft.refs.length + 1 - limits.itemRefs))
  draft.lastSeq = seq
  draft.lastTurn = turn
  draft.authority = lowest([draft.authority, authority])
  draft.status = 'open' // said again
  return draft
}

const plain = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/

// An identifier is itself to the letter; sentences and names are the same in another case or spacing.
const canonicalText = (kind: ItemKind, text: string): string => {
  if (kind === 'identifier') return text
  return plain.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim()
}
