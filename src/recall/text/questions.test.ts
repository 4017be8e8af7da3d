import { expect, test } from 'vitest'
import { isQuestion } from './questions.ts'

const questions = [
  'Where do I live?',
  'Where do I live? And what is my dog called??',
  'Is Mr. Faria our landlord?',
  'Is version 2.5 out?',
  '¿Dónde vivo?',
  'Что ты делаешь?',
  'Πού μένω;',
  'أين أعيش؟',
  '我住在哪里？',
  'what is my dog called',
  "what's my dog called",
  'which port does staging use',
  'how many people are coming',
  'do I have a dog',
  'is the tea ceremony on saturday',
  'wo wohne ich',
  'was ist mein Beruf',
  'cuándo se casa mi hermana',
  '我的狗叫什么',
  '私の犬の名前は何ですか',
  '제 이름이 뭘까요',
  'หมาของฉันชื่ออะไรครับ',
]
const statements = [
  'I live in Lisbon.',
  'I moved to Porto. Do you know it?',
  'Do you know Porto? I moved there.',
  'Where do I live? I forgot',
  'Look at https://example.org/?page=2',
  'I asked "where?" and nobody knew',
  'what I like is pizza',
  'what he said was wrong',
  'when I was in Paris, I ate snails',
  'how I met my wife',
  'had my appendix removed in 2010',
  'did my homework',
  'was at the doctor today',
  'do it tomorrow',
  'will is my brother',
  'Wo ich wohne, ist es laut',
  'como mucho pescado',
  'Zwei Dinge; das ist alles',
  '我住在里斯本',
  '',
  '?',
]

test.each(questions)('only asks: %s [RCL-2]', (text) => expect(isQuestion(text)).toBe(true))
test.each(statements)('says something: %s [RCL-2]', (text) => expect(isQuestion(text)).toBe(false))

test('a long text without a mark says something, however it begins [RCL-2]', () => {
  expect(isQuestion(`what is ${'so '.repeat(80)}`)).toBe(false)
})
