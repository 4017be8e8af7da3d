// Words that only hold a sentence together, in the scripts that are cut into pairs of characters: what stands for stop words there (LEX-2).
// In a question they would weigh as misses, since the answer has none of them. English has its own list, by word, in `stop-words.ts`.

interface FunctionWords {
  readonly script: RegExp
  readonly words: ReadonlySet<string>
  /** Found at the end of a word, in a language whose words stand apart; without it `words` are found anywhere in a run. */
  readonly endings?: ReadonlySet<string>
  readonly longest: number // in characters
}

function wordsOf(script: RegExp, list: string, endingList?: string): FunctionWords {
  const setOf = (text: string) => new Set(text.normalize('NFKC').split(' '))
  const words = setOf(list)
  const endings = endingList === undefined ? undefined : setOf(endingList)
  const longest = Math.max(...[...words, ...(endings ?? [])].map((word) => [...word].length))
  return { script, words, longest, ...(endings === undefined ? {} : { endings }) }
}

// The first whose script occurs in the run: Japanese is told from Chinese by its kana.
const languages: readonly FunctionWords[] = [
  wordsOf(
    /[\p{Script=Hiragana}\p{Script=Katakana}]/u,
    'は が を に で と も の へ や か から まで より です でした ですか でしたか ます ました ますか ましたか ません ています ていますか でいます でいますか ' +
      'ていました でいました ている でいる どこ だれ 誰 何 なに なん いつ どう どの どれ どちら なぜ どんな どうして どうやって いくつ いくら 私 わたし 僕 あなた この その あの これ それ あれ',
  ),
  wordsOf(
    /\p{Script=Hangul}/u,
    '나 내 나의 저 제 저는 나는 내가 제가 너 네 그 그는 그녀 우리 어디 어디에 어디에서 어디서 어디로 어디예요 무엇 무엇을 무엇이 뭐 뭐예요 뭘 누구 누가 누구예요 ' +
      '언제 왜 어떻게 어떤 어느 몇 얼마 얼마나 무슨 있어요 있나요 있습니까 이 것 수',
    '은 는 이 가 을 를 에 의 도 만 와 과 로 으로 에서 에게 한테 께 까지 부터 보다 처럼 랑 이랑 하고 이야 이에요 예요 입니다 입니까 이었어요 였어요 ' +
      '아요 어요 여요 해요 나요 가요 까요 을까요 인가요 습니다 습니까 니다 니까 았어요 었어요 였어요 했어요 았나요 었나요 했나요',
  ),
  wordsOf(
    /\p{Script=Thai}/u,
    'ที่ ที่ไหน ไหน อะไร ใคร เมื่อไหร่ เมื่อไร อย่างไร ยังไง ทำไม เท่าไหร่ เท่าไร กี่ ไหม มั้ย หรือ ของ ฉัน ผม ดิฉัน คุณ เขา เธอ เรา และ กับ คือ เป็น ใน จะ ได้ ให้ ว่า ครับ ค่ะ คะ นะ แล้ว',
  ),
  wordsOf(/\p{Script=Lao}/u, 'ຢູ່ໃສ ໃສ ຫຍັງ ໃຜ ເມື່ອໃດ ແນວໃດ ເປັນຫຍັງ ຂອງ ຂ້ອຍ ແລະ ທີ່ ບໍ່'),
  wordsOf(/\p{Script=Khmer}/u, 'ឯណា អ្វី នរណា ពេលណា យ៉ាងណា ហេតុអ្វី របស់ ខ្ញុំ និង ដែល ទេ'),
  wordsOf(
    /\p{Script=Han}/u, // simplified and traditional
    '的 了 着 著 吗 嗎 呢 吧 啊 是 在 我 你 您 他 她 它 们 們 我们 你们 他们 她们 我們 你們 他們 她們 这 這 那 这个 那个 這個 那個 什么 什麼 谁 誰 哪 哪里 哪裡 哪裏 ' +
      '哪儿 哪兒 哪个 哪些 哪個 怎么 怎么样 怎麼 怎麼樣 怎样 怎樣 如何 为什么 為什麼 为何 多少 几 幾 何时 何時 什么时候 什麼時候 么 麼 和 与 與 或 就 都 也 还 還 有 没 没有 ' +
      '沒 沒有 不 很 要 会 會 能 请 請 把 被 对 對 从 從 到 给 給 跟',
  ),
]

/**
 * Which characters of a run belong to function words: the longest that fits, from the left. No dictionary of the machine is asked, so it is
 * the same everywhere (RCL-10). A content word that holds such a character is still found by its other characters.
 */
export function functional(letters: readonly string[]): readonly boolean[] {
  const run = letters.join('')
  const language = languages.find(({ script }) => script.test(run))
  if (language === undefined) return letters.map(() => false)
  return language.endings === undefined ? inRun(letters, language) : inWord(letters, run, language, language.endings)
}

function inRun(letters: readonly string[], { words, longest }: FunctionWords): boolean[] {
  const marked = letters.map(() => false)
  for (let at = 0; at < letters.length;) {
    let size = Math.min(longest, letters.length - at)
    while (size > 0 && !words.has(letters.slice(at, at + size).join(''))) size--
    marked.fill(true, at, at + size)
    at += Math.max(1, size)
  }
  return marked
}

function inWord(letters: readonly string[], run: string, { words, longest }: FunctionWords, endings: ReadonlySet<string>): boolean[] {
  if (words.has(run)) return letters.map(() => true)
  let size = Math.min(longest, letters.length - 1)
  while (size > 0 && !endings.has(letters.slice(letters.length - size).join(''))) size--
  return letters.map((_, i) => i >= letters.length - size)
}
