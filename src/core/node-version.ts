// Which Node the library runs on, said before anything that an older one lacks is loaded (RUN-1). The command checks for itself (RUN-13).
import { RecollectError } from './errors.ts'

/** @throws `invalid_input` for a `process.versions.node` without `node:sqlite`, or with a flag before it; `engines` names the same */
export function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 13)) return
  throw new RecollectError('invalid_input', `Recollect needs Node 22.13 or newer; this is Node ${version}`, 'Run it on a newer Node.')
}
