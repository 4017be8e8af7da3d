// Words that carry no weight in a search (LEX-2); in a quoted phrase they count. Scripts without word spaces have theirs in `function-words.ts`.

export const stopWords: ReadonlySet<string> = new Set(
  (
    'a about above after again against all am an and any are as at be because been before being below between both but by can could did do does ' +
    'doing down during each few for from further had has have having he her here hers herself him himself his how i if in into is it its itself ' +
    'just me more most my myself no nor not now of off on once only or other our ours ourselves out over own same she should so some such than ' +
    'that the their theirs them themselves then there these they this those through to too under until up very was we were what when where which ' +
    'while who whom why will with would you your yours yourself yourselves s t d ll m re ve don didn doesn isn wasn aren weren won wouldn couldn ' +
    'shouldn hasn haven hadn ' +
    // Russian
    'я ты он она мы вы они и а но в во на с со у к по о об из за от до для не ни что кто где когда как какой какая какое какие почему сколько это этот эта ' +
    'мой моя моё мои мне меня тебя его её их ли же бы был была было были есть ' +
    // Arabic
    'ما ماذا من متى أين كيف لماذا كم هل أي في على إلى عن مع و أو هو هي هم أنا أنت نحن هذا هذه ذلك التي الذي لا لم كان كانت ' +
    // Hindi
    'है हैं था थी थे का की के को में से पर और या क्या कौन कब कहाँ कहां कैसे क्यों कितना कितने कितनी किस किससे मैं तुम आप वह यह मेरा मेरी मेरे मुझे हम नहीं भी ही तो'
  )
    .normalize('NFKC')
    .split(' '),
)

const courtesies: ReadonlySet<string> = new Set('hi hello hey hiya howdy please thanks thank ok okay sorry'.split(' '))
const asking: ReadonlySet<string> = new Set('know remember recall tell remind'.split(' '))

/**
 * True for what a question holds out of courtesy: a greeting, or "do you remember", "tell me". It may match; where no memory has it, it is not missed.
 * `at` is the place of the word among those of the query.
 */
export function isCourtesy(words: readonly { readonly word: string }[], at: number): boolean {
  const word = words[at]!.word
  return courtesies.has(word) || (asking.has(word) && (words[at - 1]?.word === 'you' || words[at + 1]?.word === 'me'))
}
