// Every promise that a test holds, by the id of its rule. The tidy test sees that each is cited, and that no test cites another.
import { readdirSync } from 'node:fs'
import path from 'node:path'

const folder = path.join(import.meta.dirname, 'requirements')
const parts = await Promise.all(
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map(async (name) => (await import(path.join(folder, name))) as Record<string, Record<string, string>>),
)

/** Rule id → the promise in one sentence; one file an area under `requirements/`. */
export const requirements: Readonly<Record<string, string>> = Object.assign({}, ...parts.flatMap((part) => Object.values(part)))
