// Finds out what lies at a path and reads it with the loader of its format; data are only ever read by path (EVAL-1).
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Conversation, DataFormat, DataSet } from './data-set.ts'
import { readBeamChat } from './loaders/beam.ts'
import { readJsonLines } from './loaders/jsonl.ts'
import { readLocomo, readLocomoErrors } from './loaders/locomo.ts'
import { readLongMemEval } from './loaders/longmemeval.ts'
import { readRealtalkChat } from './loaders/realtalk.ts'
import { parseJson, unexpected } from './read-shape.ts'

const anyFormat =
  "LoCoMo's locomo10.json, a folder of REALTALK's Chat_*.json, a chat's folder of BEAM or a folder of them, LongMemEval's longmemeval_*.json, or JSON lines (.jsonl)"

const isThere = async (path: string): Promise<'file' | 'folder' | undefined> => {
  try {
    const found = await stat(path)
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : undefined // a pipe would be waited for
  } catch {
    return undefined
  }
}

async function readText(path: string, expected: string): Promise<string> {
  if ((await isThere(path)) !== 'file') throw unexpected(expected, 'there is no regular file')
  return readFile(path, 'utf8').catch(() => {
    throw unexpected(expected, 'the file cannot be read by this user, or is too large')
  })
}

const readJsonFile = async (path: string, expected: string): Promise<unknown> => parseJson(await readText(path, expected), expected)

const byNumber = new Intl.Collator('en', { numeric: true }).compare

/** The audit's corrections, beside the file or in the audit's own folder beside the set's. */
async function loadLocomo(path: string, value: unknown): Promise<DataSet> {
  for (const place of [join(dirname(path), 'errors.json'), join(dirname(path), '..', 'locomo-audit', 'errors.json')])
    if ((await isThere(place)) === 'file') return readLocomo(value, readLocomoErrors(await readJsonFile(place, "the audit's errors.json")))
  return readLocomo(value, new Map())
}

async function loadRealtalk(folder: string): Promise<DataSet> {
  const files = (await readdir(folder)).filter((name) => /^Chat_.*\.json$/.test(name)).toSorted(byNumber)
  const conversations: Conversation[] = []
  for (const file of files)
    conversations.push(readRealtalkChat(await readJsonFile(join(folder, file), 'a Chat_*.json of REALTALK'), basename(file, '.json')))
  if (conversations.length === 0) throw unexpected("a folder of REALTALK's Chat_*.json", 'it has none')
  return { name: 'REALTALK', format: 'realtalk', conversations, apart: [], corrected: 0 }
}

const isChat = async (folder: string) => (await isThere(join(folder, 'chat.json'))) === 'file'

async function loadBeam(folder: string): Promise<DataSet> {
  const folders: string[] = []
  if (await isChat(folder)) folders.push(folder)
  else for (const name of (await readdir(folder)).toSorted(byNumber)) if (await isChat(join(folder, name))) folders.push(join(folder, name))
  const conversations: Conversation[] = []
  for (const place of folders) {
    const chat = await readJsonFile(join(place, 'chat.json'), "BEAM's chat.json")
    const questions = join(place, 'probing_questions', 'probing_questions.json')
    if ((await isThere(questions)) !== 'file') throw unexpected('probing_questions/probing_questions.json beside chat.json', 'there is none')
    conversations.push(readBeamChat(chat, await readJsonFile(questions, "BEAM's probing_questions.json"), basename(place)))
  }
  if (conversations.length === 0) throw unexpected("a chat's folder of BEAM, with chat.json, or a folder of them", 'it has none')
  return { name: 'BEAM', format: 'beam', conversations, apart: [], corrected: 0 }
}

async function loadJsonLines(path: string): Promise<DataSet> {
  const name = basename(path, '.jsonl')
  return { name, format: 'jsonl', conversations: [readJsonLines(await readText(path, 'JSON lines'), name)], apart: [], corrected: 0 }
}

/** What the entries of a list look like. */
const formatOfList = (value: unknown): DataFormat | undefined => {
  const first: unknown = Array.isArray(value) ? value[0] : undefined
  if (typeof first !== 'object' || first === null) return undefined
  return 'haystack_sessions' in first ? 'longmemeval' : 'conversation' in first ? 'locomo' : undefined
}

async function loadFile(path: string, format: DataFormat | undefined): Promise<DataSet> {
  if (format === 'jsonl' || (format === undefined && path.endsWith('.jsonl'))) return loadJsonLines(path)
  if (format === 'realtalk' || format === 'beam') throw unexpected(`a folder, for the format ${format}`, 'this is a file')
  const value = await readJsonFile(path, format ?? anyFormat)
  const found = format ?? formatOfList(value)
  if (found === 'locomo') return loadLocomo(path, value)
  if (found === 'longmemeval') return readLongMemEval(value, basename(path, '.json'))
  throw unexpected(anyFormat, 'the file has another shape')
}

async function loadFolder(path: string, format: DataFormat | undefined): Promise<DataSet> {
  if (format === 'realtalk') return loadRealtalk(path)
  if (format === 'beam') return loadBeam(path)
  const names = await readdir(path)
  const files = names.filter((name) => (format === 'jsonl' ? name.endsWith('.jsonl') : /^(locomo.*|longmemeval.*)\.json$/.test(name)))
  if (files.length === 1) return loadFile(join(path, files[0]!), format)
  if (format !== undefined || files.length > 1)
    throw unexpected(`one file of the format ${format ?? 'locomo or longmemeval'}`, `the folder has ${files.length}`)
  if (names.some((name) => /^Chat_.*\.json$/.test(name))) return loadRealtalk(path)
  const isBeam = await Promise.all([path, ...names.map((name) => join(path, name))].map((place) => isThere(join(place, 'chat.json'))))
  if (isBeam.includes('file')) return loadBeam(path)
  throw unexpected(anyFormat, 'the folder has none of these')
}

/**
 * The data set at a path: a file or a folder, its format by name and shape unless it is given.
 *
 * @throws `invalid_input` naming what was expected
 */
export async function loadDataSet(path: string, format?: DataFormat): Promise<DataSet> {
  const kind = await isThere(path)
  if (kind === undefined) throw unexpected(anyFormat, 'nothing can be read at this path')
  return kind === 'file' ? loadFile(path, format) : loadFolder(path, format)
}
