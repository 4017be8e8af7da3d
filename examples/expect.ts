// How an example checks itself: says what it saw, and ends with 1 at the first thing that is not so.

export function expect(what: string, holds: boolean): void {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`)
  if (!holds) process.exit(1)
}
