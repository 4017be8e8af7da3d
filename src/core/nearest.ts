// What is told of a name that nobody knows: its beginning, and the known name that is nearest.
const shownChars = 64 // of a name that nobody knows: it may be anything
export const shown = (name: string): string => (name.length > shownChars ? `${name.slice(0, shownChars)}…` : name)

/** The nearest known name, where one is near, of two as near the first; else the only one with the same last word. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > shownChars) return undefined
  const near = known.map((one) => [distance(name, one), one] as const).toSorted(([a], [b]) => a - b)[0]
  if (near !== undefined && near[0] <= Math.max(2, name.length / 4)) return near[1]
  const [alike, ...more] = known.filter((one) => lastWord(one) === lastWord(name))
  return more.length === 0 ? alike : undefined
}

const lastWord = (name: string): string => name.split(/[._-]/).at(-1) as string

export function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** Edits between two names (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length] as number
}
