// Questions in scripts without word spaces: what only holds them together weighs nothing, so the default floor means the same as in English.
import { describe, expect, test } from 'vitest'
import { anOwner, recallOver } from '../../../test/builders/recall.ts'
import { functional } from './function-words.ts'
import { tokenize } from './tokenize.ts'

const marked = (text: string) => {
  const letters = [...text.normalize('NFKC')]
  return functional(letters)
    .map((isFunction, i) => (isFunction ? letters[i]! : '·'))
    .join('')
}

test.each([
  ['妹妹住在哪里', '···在哪里'],
  ['妹はどこに住んでいますか', '·はどこに··でいますか'],
  ['여동생은', '···은'],
  ['어디에', '어디에'],
  ['살아요', '·아요'],
  ['hello', '·····'],
])('in %s the function words are %s [LEX-2]', (text, expected) => {
  expect(marked(text)).toBe(expected)
})

test('a query asks for pairs of content, may match half a function word, and keeps function words only where it has nothing else [LEX-2, LEX-1]', () => {
  const asked = (text: string) => tokenize(text, 'query').map(({ word, extra, stop }) => (stop === true ? `(${word})` : extra ? `${word}?` : word))
  expect(asked('妹妹住在哪里')).toEqual(['妹妹', '妹住', '住在?', '(在哪)', '(哪里)'])
  expect(asked('她住在')).toEqual(['她住?', '住', '住在?'])
  expect(asked('在')).toEqual(['(在)'])
})

const talks: readonly (readonly [
  language: string,
  facts: readonly string[],
  asked: readonly (readonly [question: string, fact: number])[],
  foreign: readonly string[],
])[] = [
  [
    'Chinese',
    ['我妹妹住在成都，喜欢弹古筝。', '我对花生过敏。', '我的狗叫旺财，今年三岁。'],
    [
      ['妹妹住在哪里？', 0],
      ['我妹妹喜欢弹什么', 0],
      ['我对什么过敏？', 1],
      ['我的狗叫什么名字？', 2],
      ['她住在哪儿', 0],
    ],
    ['我的汽车是什么颜色？', '昨天的会议几点开始？'],
  ],
  [
    'Japanese',
    ['妹は札幌に住んでいて、チェロを弾きます。', '私はピーナッツアレルギーがあります。', '犬の名前はポチです。'],
    [
      ['妹はどこに住んでいますか？', 0],
      ['妹は何を弾きますか', 0],
      ['私は何のアレルギーがありますか？', 1],
      ['犬の名前は何ですか？', 2],
    ],
    ['車の色は何ですか？', '会議はいつ始まりますか？'],
  ],
  [
    'Korean',
    ['제 여동생은 부산에 살고 첼로를 연주해요.', '저는 땅콩 알레르기가 있어요.', '강아지 이름은 초코예요.'],
    [
      ['여동생은 어디에 살아요?', 0],
      ['여동생은 무엇을 연주해요?', 0],
      ['저는 무슨 알레르기가 있나요?', 1],
      ['강아지 이름이 뭐예요?', 2],
    ],
    ['자동차 색깔이 뭐예요?', '회의는 언제 시작해요?'],
  ],
  [
    'Thai',
    ['น้องสาวของฉันอยู่เชียงใหม่และเล่นเชลโล', 'ฉันแพ้ถั่วลิสง', 'หมาของฉันชื่อมะลิ'],
    [
      ['น้องสาวอยู่ที่ไหน', 0],
      ['น้องสาวเล่นอะไร', 0],
      ['ฉันแพ้อะไร', 1],
      ['หมาของฉันชื่ออะไร', 2],
    ],
    ['รถยนต์สีอะไร', 'การประชุมเริ่มเมื่อไหร่'],
  ],
  [
    'Arabic',
    ['أختي تعيش في مراكش وتعزف على التشيلو.', 'اسم كلبي ماكس.'],
    [
      ['أين تعيش أختي؟', 0],
      ['ما اسم كلبي؟', 1],
    ],
    ['ما لون سيارتي؟'],
  ],
  [
    'Hindi',
    ['मेरी बहन जयपुर में रहती है।', 'मेरे कुत्ते का नाम शेरू है।'],
    [
      ['बहन कहाँ रहती है?', 0],
      ['मेरे कुत्ते का नाम क्या है?', 1],
    ],
    ['मेरी कार का रंग क्या है?'],
  ],
]

describe.each(talks)('%s', (_, facts, asked, foreign) => {
  const aMemory = async () => {
    const owner = await anOwner()
    await owner.say('The train leaves at nine.', ...facts.map((text) => ({ text, vector: false as const })), 'The roof was painted last year.')
    const recall = recallOver(owner.store)
    return (query: string) => recall.search(owner.scope, query)
  }

  test.each(asked)('%s is answered over the default floor [MREG-8, ABS-1]', async (question, fact) => {
    expect((await (await aMemory())(question)).hits[0]?.record.text).toBe(facts[fact])
  })

  test.each(foreign)('%s, of which nothing is known, is not [ABS-2, MREG-14]', async (question) => {
    expect((await (await aMemory())(question)).abstained).toBe(true)
  })
})
