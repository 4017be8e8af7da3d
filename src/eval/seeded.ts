// Random numbers from a seed, the same on every machine: for resampling, drawing and pairing. Nothing here is secret.

/** Numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `count` of the items in their own order, drawn without putting back. */
export function drawn<T>(items: readonly T[], count: number, random: () => number): T[] {
  let left = count
  return items.filter((_, i) => {
    const take = random() * (items.length - i) < left
    if (take) left--
    return take
  })
}
