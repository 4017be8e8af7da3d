// A map that forgets what was used least recently once a bound is met: every cache here is one (house rule 9).

export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  keys(): IterableIterator<string>
  readonly size: number
}

/** `weigh` gives a value's weight, 1 by default; the sum stays at or under `most`. A value heavier than `most` is not kept. */
export function boundedMap<V>(most: number, weigh: (value: V) => number = () => 1): BoundedMap<V> {
  const map = new Map<string, V>() // in order of use: the first is the oldest
  let weight = 0
  const remove = (key: string) => {
    const value = map.get(key)
    if (value === undefined) return
    map.delete(key)
    weight -= weigh(value)
  }
  return {
    get(key) {
      const value = map.get(key)
      if (value !== undefined) {
        map.delete(key)
        map.set(key, value)
      }
      return value
    },
    set(key, value) {
      remove(key)
      map.set(key, value)
      weight += weigh(value)
      for (const oldest of map.keys()) {
        if (weight <= most) return
        remove(oldest)
      }
    },
    delete: remove,
    keys: () => map.keys(),
    get size() {
      return map.size
    },
  }
}
