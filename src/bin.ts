#!/usr/bin/env node
// The command `recollect`. The first statement checks the Node that runs it, before anything newer than Node 12 is parsed (RUN-13).
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(
    'recollect needs Node 22.13 or newer; this is Node ' +
      process.versions.node +
      '. Install a newer Node, or run `npm start` in a clone: it brings its own.',
  )
  process.exit(2)
}
// `node:sqlite` announces itself once on Node 22; that one warning says nothing to a user (DEP-4).
const emitWarning = process.emitWarning
process.emitWarning = (warning: string | Error, ...rest: any[]) => {
  if (!String(warning).includes('SQLite is an experimental feature')) (emitWarning as (...all: unknown[]) => void).call(process, warning, ...rest)
}
import('./cli/main.ts')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code
  })
