// Loads what recall may use beside words: the bundled embedder, and stemmers by language. Both lazily, and neither is needed.
import type { Embedder } from '../ports/models.ts'
import type { Stemmers } from '../recall/recall-types.ts'
import type { RecollectOptions } from './options.ts'

/** undefined where it is off, or cannot be read: then words alone, and health says so. */
export async function embedderFor(choice: RecollectOptions['embedder'] = 'bundled'): Promise<Embedder | undefined> {
  if (choice === 'off') return undefined
  if (choice !== 'bundled') return choice // one's own
  const { loadBundledEmbedder } = await import('../models/static-embedder.ts')
  return loadBundledEmbedder().catch(() => undefined)
}

/** Words as they are, in each language whose stemmer cannot be loaded (LEX-2). */
export async function loadStemmers(): Promise<Stemmers> {
  const loaded = await Promise.all([
    stemmerOf('english', () => import('@orama/stemmers/english')),
    stemmerOf('russian', () => import('@orama/stemmers/russian')),
    stemmerOf('greek', () => import('@orama/stemmers/greek')),
    stemmerOf('arabic', () => import('@orama/stemmers/arabic')),
    stemmerOf('armenian', () => import('@orama/stemmers/armenian')),
    stemmerOf('tamil', () => import('@orama/stemmers/tamil')),
    stemmerOf('indian', () => import('@orama/stemmers/indian')),
  ])
  return Object.fromEntries(loaded.flat())
}

async function stemmerOf(language: string, load: () => Promise<{ readonly stemmer: (word: string) => string }>) {
  return load().then(
    ({ stemmer }) => [[language, stemmer] as const],
    () => [],
  )
}
