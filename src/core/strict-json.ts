// The one JSON reader for input: strict where JSON.parse is lenient, bounded, and without a prototype to reach (ACC-12).
import { RecollectError } from './errors.ts'
import type { Json } from './json.ts'
import { limits } from './limits.ts'

export interface JsonBounds {
  readonly depth: number
  readonly keys: number // in one object
  readonly stringBytes: number
}

export const jsonBounds: JsonBounds = { depth: limits.jsonDepth, keys: limits.jsonKeys, stringBytes: limits.jsonStringBytes }

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
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

class Reader {
  #at = 0
  #depth = 0
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
    const began = ++this.#at
    let out = ''
    for (;;) {
      out += this.#match(plain)
      if (this.#at - began > this.#bounds.stringBytes) throw tooLarge('a string has bytes', this.#bounds.stringBytes, this.#at - began)
      const next = this.#text[this.#at++]
      if (next === '"') break
      if (next !== '\\') throw this.#fault(next === undefined ? 'the text ends inside a string' : 'a control character stands in a string')
      out += this.#escape()
    }
    if (!out.isWellFormed()) throw this.#fault('a string holds a lone surrogate')
    return out
  }

  #escape(): string {
    const letter = this.#text[this.#at++] as string
    if (letter !== 'u') {
      const meant = escapes[letter]
      if (meant === undefined) throw this.#fault('an escape is unknown')
      return meant
    }
    const hex = this.#text.slice(this.#at, this.#at + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#fault('an escape is not four hex digits')
    this.#at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
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
