import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { DataFormat } from './data-set.ts'
import { loadDataSet } from './load-data.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

/** A folder with these files: made-up data in a format, never a data set. */
async function folderOf(files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-eval-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

const refusal = (path: string, format?: DataFormat) =>
  loadDataSet(path, format).then(
    () => 'loaded',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )

const locomo = [
  {
    sample_id: 'conv-1',
    conversation: {
      speaker_a: 'Ann',
      speaker_b: 'Bob',
      session_10: [{ speaker: 'Bob', dia_id: 'D10:1', text: 'The cat is back.' }],
      session_10_date_time: '12:05 am on 3 June, 2023',
      session_2: [
        { speaker: 'Ann', dia_id: 'D2:1', text: 'My cat ran away.', blip_caption: 'a photo of a cat' },
        { speaker: 'Bob', dia_id: 'D2:2', text: 'Oh no.' },
      ],
      session_2_date_time: '1:56 pm on 8 May, 2023',
      session_3_date_time: '1:56 pm on 9 May, 2023', // a date without a session: some are so
    },
    qa: [
      { question: 'Who lost a cat?', answer: 'Ann', evidence: ['D2:1'], category: 4 },
      { question: 'Is it back?', answer: 'yes', evidence: ['D10:01; D2:1', 'D:2:2'], category: 1 },
      { question: 'What did the dog do?', answer: 7, evidence: ['D9:9'], category: 3 },
      { question: 'Why did Bob leave?', adversarial_answer: 'x', evidence: [], category: 5 },
    ],
  },
]

test('LoCoMo: sessions by number, both speakers as named users, times in order, evidence however it is written [EVAL-1]', async () => {
  const folder = await folderOf({ 'locomo10.json': locomo })
  const set = await loadDataSet(join(folder, 'locomo10.json'))
  expect(set).toMatchObject({ name: 'LoCoMo', format: 'locomo', apart: ['5'], corrected: 0 })
  const [{ sessions, questions }] = set.conversations as [(typeof set.conversations)[number]]
  expect(sessions).toEqual([
    {
      id: 'session-2',
      messages: [
        { id: 'D2:1', role: 'user', name: 'Ann', at: Date.UTC(2023, 4, 8, 13, 56), text: 'My cat ran away.' },
        { id: 'D2:2', role: 'user', name: 'Bob', at: Date.UTC(2023, 4, 8, 13, 56, 1), text: 'Oh no.' },
      ],
    },
    { id: 'session-10', messages: [{ id: 'D10:1', role: 'user', name: 'Bob', at: Date.UTC(2023, 5, 3, 0, 5), text: 'The cat is back.' }] },
  ])
  expect(questions.map(({ evidence, category, leftOut }) => ({ evidence, category, leftOut }))).toEqual([
    { evidence: ['D2:1'], category: '4', leftOut: undefined },
    { evidence: ['D10:1', 'D2:1', 'D2:2'], category: '1', leftOut: undefined },
    { evidence: [], category: '3', leftOut: 'evidence is not in the conversation' },
    { evidence: [], category: '5', leftOut: 'no evidence given' },
  ])
  expect(await loadDataSet(folder)).toEqual(set)
})

test("LoCoMo: the audit's errors.json beside it, or in the folder beside its own, corrects the evidence [EVAL-1]", async () => {
  const errors = [
    { question_id: 'locomo_0_qa0', correct_evidence: ['D2:2'] },
    { question_id: 'locomo_0_qa1', correct_evidence: ['D2:1', 'D2:2', 'D10:1'] },
  ]
  const beside = await folderOf({ 'locomo10.json': locomo, 'errors.json': errors })
  const apart = await folderOf({ 'locomo/locomo10.json': locomo, 'locomo-audit/errors.json': errors })
  for (const place of [join(beside, 'locomo10.json'), join(apart, 'locomo')]) {
    const { conversations, corrected } = await loadDataSet(place)
    expect(conversations[0]!.questions[0]!.evidence).toEqual(['D2:2'])
    expect(corrected).toBe(1)
  }
})

const realtalk = {
  name: { speaker_1: 'Ann', speaker_2: 'Bob' },
  session_1: [
    { clean_text: 'Morning!', speaker: 'Ann', date_time: '29.12.2023, 08:20:36', dia_id: 'D1:1' },
    { clean_text: '', speaker: 'Bob', date_time: '29.12.2023, 08:21:00', dia_id: 'D1:2', img_file: ['a.jpg'] },
  ],
  session_2: [{ clean_text: 'I bought a kayak.', speaker: 'Bob', date_time: '02.01.2024, 19:00:01', dia_id: 'D3:1' }],
  qa: [{ question: 'What did Bob buy?', answer: 'a kayak', evidence: ['D3:1'], category: 1 }],
}

test('REALTALK: evidence is found in whatever session it stands, and pictures alone are no messages [EVAL-1]', async () => {
  const folder = await folderOf({ 'Chat_10_Ann_Bob.json': realtalk, 'Chat_2_Cy_Di.json': { ...realtalk, qa: [] }, 'README.md': 'x' })
  const { format, conversations } = await loadDataSet(folder)
  expect(format).toBe('realtalk')
  expect(conversations.map(({ id }) => id)).toEqual(['Chat_2_Cy_Di', 'Chat_10_Ann_Bob'])
  expect(conversations[1]!.sessions).toEqual([
    { id: 'session-1', messages: [{ id: 'D1:1', role: 'user', name: 'Ann', at: Date.UTC(2023, 11, 29, 8, 20, 36), text: 'Morning!' }] },
    { id: 'session-2', messages: [{ id: 'D3:1', role: 'user', name: 'Bob', at: Date.UTC(2024, 0, 2, 19, 0, 1), text: 'I bought a kayak.' }] },
  ])
  expect(conversations[1]!.questions).toEqual([{ text: 'What did Bob buy?', category: '1', evidence: ['D3:1'] }])
})

const chat = [
  {
    batch_number: 1,
    time_anchor: 'March-15-2024',
    turns: [
      [
        { role: 'user', id: 0, content: 'Plan my week ->-> 1,1' },
        { role: 'assistant', id: 1, content: 'Use ->-> as an arrow ->-> 1,1' },
      ],
      [{ role: 'user', id: 2, content: 'And the budget? ->-> 2,22, 24' }],
    ],
  },
  { batch_number: 2, time_anchor: null, turns: [[{ role: 'user', id: 3, content: 'It is 40 euro ->-> 1,N/A', time_anchor: 'April-05-2024' }]] },
]
const probes = {
  knowledge_update: [{ question: 'What is the budget?', source_chat_ids: { original_info: [2], updated_info: [3] } }],
  event_ordering: [{ question: 'In which order?', source_chat_ids: [0, 3, 3, 99] }],
  abstention: [{ question: 'Who is Bob?' }],
}

const beamFiles = (folder: string) => ({
  [`${folder}chat.json`]: chat,
  [`${folder}probing_questions/probing_questions.json`]: probes,
  [`${folder}topic.json`]: {},
})

test("BEAM: the generator's marker is cut from user messages alone, a batch is a session of its day, evidence lists are flat [EVAL-1]", async () => {
  const one = await folderOf(beamFiles(''))
  const many = await folderOf({ ...beamFiles('10/'), ...beamFiles('9/') })
  const { conversations } = await loadDataSet(one)
  expect(conversations[0]!.sessions).toEqual([
    {
      id: 'batch-1',
      messages: [
        { id: '0', role: 'user', at: Date.UTC(2024, 2, 15, 9, 0), text: 'Plan my week' },
        { id: '1', role: 'assistant', at: Date.UTC(2024, 2, 15, 9, 1), text: 'Use ->-> as an arrow ->-> 1,1' },
        { id: '2', role: 'user', at: Date.UTC(2024, 2, 15, 9, 2), text: 'And the budget?' },
      ],
    },
    { id: 'batch-2', messages: [{ id: '3', role: 'user', at: Date.UTC(2024, 3, 5, 9, 0), text: 'It is 40 euro' }] },
  ])
  expect(conversations[0]!.questions).toEqual([
    { text: 'What is the budget?', category: 'knowledge_update', evidence: ['2', '3'] },
    { text: 'In which order?', category: 'event_ordering', evidence: ['0', '3'] },
    { text: 'Who is Bob?', category: 'abstention', evidence: [], leftOut: 'no evidence given' },
  ])
  expect((await loadDataSet(many)).conversations.map(({ id }) => id)).toEqual(['9', '10'])
})

test('LongMemEval: ids are the official ones, a session that comes twice is two, and unanswerable questions are left out [EVAL-1]', async () => {
  const item = {
    question_id: 'q1',
    question_type: 'single-session-user',
    question: 'Which degree?',
    answer: 'x',
    question_date: '2023/05/30 (Tue) 23:40',
    haystack_session_ids: ['s_1', 's_1'],
    haystack_dates: ['2023/05/20 (Sat) 02:21', '2023/05/21 (Sun) 00:00'],
    haystack_sessions: [
      [
        { role: 'user', content: 'I studied law.', has_answer: true },
        { role: 'assistant', content: 'Nice.' },
      ],
      [{ role: 'user', content: 'Hello', has_answer: false }],
    ],
    answer_session_ids: ['s_1'],
  }
  const folder = await folderOf({ 'longmemeval_s.json': [item, { ...item, question_id: 'q2_abs' }] })
  const { name, conversations } = await loadDataSet(folder)
  expect(name).toBe('longmemeval_s')
  expect(conversations[0]!.sessions.map(({ id, messages }) => [id, messages.map((message) => message.id)])).toEqual([
    ['s_1', ['s_1_1', 's_1_2']],
    ['s_1.2', ['s_1.2_1']],
  ])
  expect(conversations[0]!.sessions[0]!.messages[1]!.at).toBe(Date.UTC(2023, 4, 20, 2, 21, 1))
  expect(conversations[0]!.questions).toEqual([
    { text: 'Which degree?', category: 'single-session-user', evidence: ['s_1_1'], askedAt: Date.UTC(2023, 4, 30, 23, 40) },
  ])
  expect(conversations[1]!.questions[0]!.leftOut).toBe('asks for what was never said')
})

test('JSON lines: messages and questions in any order, times as ms or ISO [EVAL-1]', async () => {
  const lines = [
    { question: 'Who is ill?', evidence: ['m2'], askedAt: '2024-01-02T00:00:00Z' },
    { session: 's', id: 'm1', at: 5, text: 'Hi' },
    { session: 's', id: 'm2', speaker: 'Ann', role: 'user', at: '1970-01-01T00:00:01Z', text: 'I am ill' },
  ]
  const folder = await folderOf({ 'own.jsonl': lines.map((line) => JSON.stringify(line)).join('\n') + '\n\n' })
  const { name, conversations } = await loadDataSet(join(folder, 'own.jsonl'))
  expect(name).toBe('own')
  expect(conversations).toEqual([
    {
      id: 'own',
      sessions: [
        {
          id: 's',
          messages: [
            { id: 'm1', role: 'user', at: 5, text: 'Hi' },
            { id: 'm2', role: 'user', name: 'Ann', at: 1_000, text: 'I am ill' },
          ],
        },
      ],
      questions: [{ text: 'Who is ill?', category: 'all', evidence: ['m2'], askedAt: Date.UTC(2024, 0, 2) }],
    },
  ])
})

test('what has another shape is invalid_input, names what was expected, and tells no content [EVAL-1]', async () => {
  const secret = 'canary-7'
  const folder = await folderOf({
    'notes.txt': secret,
    'list.json': [{ secret }],
    'cut.json': '[{"conversation": ',
    'locomo.json': [{ ...locomo[0], qa: [{ question: secret, category: '1' }] }],
    'date.json': [{ ...locomo[0], conversation: { session_1: [], session_1_date_time: secret } }],
    'bad.jsonl': `{"session":"s","id":"a","at":1,"text":"x"}\n{"session":"s","id":"b","at":"${secret}","text":"x"}`,
    'twice.jsonl': '{"session":"s","id":"a","at":1,"text":"x"}\n{"session":"s","id":"a","at":1,"text":"y"}',
    'chat/chat.json': chat,
    'empty/x': '',
  })
  const at = (name: string) => join(folder, name)
  const refusals = await Promise.all([
    refusal(at('nothing')),
    refusal(at('notes.txt')),
    refusal(at('list.json')),
    refusal(at('cut.json')),
    refusal(at('locomo.json')),
    refusal(at('date.json')),
    refusal(at('bad.jsonl')),
    refusal(at('twice.jsonl')),
    refusal(at('chat')),
    refusal(at('empty')),
    refusal(at('empty'), 'realtalk'),
    refusal(at('locomo.json'), 'beam'),
  ])
  const named = [
    /locomo10/,
    /locomo10.*not JSON/,
    /locomo10/,
    /locomo10.*not JSON/,
    /at 0\.qa\.0\.category/,
    /LoCoMo.*date/,
    /line 2.*at at/,
    /line 2.*twice/,
    /probing_questions/,
    /locomo10/,
    /Chat_/,
    /a folder, for the format beam/,
  ]
  refusals.forEach((text, i) => {
    expect(text).toMatch(/^invalid_input: expected /)
    expect(text).toMatch(named[i]!)
    expect(text).not.toContain(secret)
  })
})
