// A map that forgets what was used least recently once a bound is met: every cache here is one (house rule 9).

export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** Keys of the values that fit; leaves the order of use as it is. */
  keysWhere(fits: (value: V, key: string) => boolean): readonly string[]
  readonly size: number
}

/** `weigh` gives a value's weight, 1 by default; the sum stays at or under `most`. A value heavier than `most` is not kept. */
export function boundedMap<V>(most: number, weigh: (value: V) => number = () => 1): BoundedMap<V> {
  const map = new Map<string, V>() // in order of use: the first is the oldest
  let weight = 0
  let newest: string | undefined // mostly asked for again
  const remove = (key: string) => {
    const value = map.get(key)
    if (value === undefined) return
    map.delete(key)
    if (key === newest) newest = undefined
    weight -= weigh(value)
  }
  return {
    get(key) {
      const value = map.get(key)
      if (value !== undefined && key !== newest) {
        map.delete(key)
        map.set(key, value)
        newest = key
      }
      return value
    },
    set(key, value) {
      remove(key)
      map.set(key, value)
      newest = key
      weight += weigh(value)
      for (const oldest of map.keys()) {
        if (weight <= most) return
        remove(oldest)
      }
    },
    delete: remove,
    keysWhere: (fits) => [...map].flatMap(([key, value]) => (fits(value, key) ? [key] : [])),
    get size() {
      return map.size
    },
  }
}
