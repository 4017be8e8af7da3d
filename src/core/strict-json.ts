// The one JSON reader for input: strict where JSON.parse is lenient, bounded, and without a prototype to reach (ACC-12).
import { RecollectError } from './errors.ts'
import type { Json } from './json.ts'
import { limits } from './limits.ts'

export interface JsonBounds {
  readonly depth: number
  readonly keys: number // in one object
  readonly stringBytes: number
  readonly nodes: number // objects and arrays, in all
}

export const jsonBounds: JsonBounds = {
  depth: limits.jsonDepth,
  keys: limits.jsonKeys,
  stringBytes: limits.jsonStringBytes,
  nodes: limits.jsonNodes,
}

/**
 * Reads UTF-8 JSON. Refuses duplicate keys, lone surrogates, `__proto__`, `constructor` and `prototype` as keys, numbers that are not finite,
 * and what is over a bound. Objects have no prototype.
 *
 * @throws `invalid_input` with the place, `payload_too_large` over a bound; never with content
 */
export function readJson(bytes: Uint8Array, bounds: JsonBounds = jsonBounds): Json {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refused('the body is not UTF-8')
  }
  const reader = new Reader(text, bounds)
  return reader.document()
}

const refused = (what: string): RecollectError => new RecollectError('invalid_input', what, 'Send one JSON value in UTF-8, each key once.')
const tooLarge = (what: string, limit: number, given: number): RecollectError =>
  new RecollectError('payload_too_large', `${what} at most ${limit}; got ${given} or more`, 'Send less at once.', { limit, given })

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const space = /[ \t\r\n]*/y
const plain = /[^"\\\u0000-\u001f]*/y

class Reader {
  #at = 0
  #depth = 0
  #nodes = 0
  readonly #text: string
  readonly #bounds: JsonBounds

  constructor(text: string, bounds: JsonBounds) {
    this.#text = text
    this.#bounds = bounds
  }

  document(): Json {
    this.#space()
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) throw this.#fault('something follows the value')
    return value
  }

  #value(): Json {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object())
      case '[':
        return this.#nested(() => this.#array())
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.#bounds.depth) throw tooLarge('JSON may nest', this.#bounds.depth, this.#depth)
    if (++this.#nodes > this.#bounds.nodes) throw tooLarge('JSON holds objects and arrays', this.#bounds.nodes, this.#nodes)
    this.#at++
    this.#space()
    const value = read()
    this.#depth--
    return value
  }

  #object(): Json {
    const object = Object.create(null) as Record<string, Json>
    if (this.#take('}')) return object
    for (let keys = 1; ; keys++) {
      if (keys > this.#bounds.keys) throw tooLarge('an object has keys', this.#bounds.keys, keys)
      if (this.#text[this.#at] !== '"') throw this.#fault('a key is missing')
      const key = this.#string()
      if (forbiddenKeys.has(key)) throw this.#fault('a key has a name that is not allowed')
      if (Object.hasOwn(object, key)) throw this.#fault('a key stands twice in one object')
      this.#space()
      if (!this.#take(':')) throw this.#fault('a colon is missing')
      this.#space()
      object[key] = this.#value()
      this.#space()
      if (this.#take('}')) return object
      if (!this.#take(',')) throw this.#fault('a comma or closing brace is missing')
      this.#space()
    }
  }

  #array(): Json {
    const items: Json[] = []
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#value())
      this.#space()
      if (this.#take(']')) return items
      if (!this.#take(',')) throw this.#fault('a comma or closing bracket is missing')
      this.#space()
    }
  }

  #string(): string {
    const began = this.#at++
    const before = this.#match(plain)
    const out = this.#take('"') ? before : this.#escaped(began)
    const given = this.#at - began - 2
    if (given > this.#bounds.stringBytes) throw tooLarge('a string has bytes', this.#bounds.stringBytes, given)
    if (!out.isWellFormed()) throw this.#fault('a string holds a lone surrogate')
    return out
  }

  /** A string with escapes, whole, by the platform's reader: one after another they would take seconds of 16 MiB. */
  #escaped(began: number): string {
    let end = this.#text.indexOf('"', this.#at)
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    if (end === -1) throw this.#fault('the text ends inside a string')
    try {
      const out = JSON.parse(this.#text.slice(began, end + 1)) as string
      this.#at = end + 1
      return out
    } catch {
      throw this.#fault('a string holds a control character, or an escape that is unknown')
    }
  }

  /** After an odd number of backslashes. */
  #isEscaped(at: number): boolean {
    let first = at
    while (this.#text[first - 1] === '\\') first--
    return (at - first) % 2 === 1
  }

  #number(): number {
    const text = this.#match(number)
    if (text === '') throw this.#fault(this.#at >= this.#text.length ? 'the text ends too early' : 'a value is missing')
    const value = Number(text)
    if (!Number.isFinite(value)) throw this.#fault('a number is too large')
    return value
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault('a value is missing')
    this.#at += word.length
    return value
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #space(): void {
    this.#match(space)
  }

  #take(one: string): boolean {
    if (this.#text[this.#at] !== one) return false
    this.#at++
    return true
  }

  #fault(what: string): RecollectError {
    return refused(`the JSON cannot be read: ${what}, at character ${this.#at}`)
  }
}
