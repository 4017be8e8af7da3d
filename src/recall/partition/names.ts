// A list of names and the number of each: what columns hold instead of strings.

export interface Names {
  readonly list: string[]
  numberOf(name: string): number
  find(name: string): number | undefined
}

/** The list becomes the names' own; its map is made when it is first asked. */
export function namesOf(list: string[] = []): Names {
  let numbers: Map<string, number> | undefined
  const all = () => (numbers ??= new Map(list.map((name, i) => [name, i])))
  return {
    list,
    find: (name) => all().get(name),
    numberOf(name) {
      const known = all().get(name)
      if (known !== undefined) return known
      all().set(name, list.length)
      return list.push(name) - 1
    },
  }
}
