// Kinds of settings: what a value must be, how that is said to a person, and how a variable or a flag writes it.
import { z, type ZodType } from 'zod'
import { limits } from '../core/limits.ts'
import { isNetwork } from '../core/networks.ts'
import { readJson } from '../core/strict-json.ts'
import { checkOptions } from '../create-recollect/options.ts'

export interface Kind {
  /** Of the value as it is used, and as a file holds it. */
  readonly schema: ZodType
  /** Completes "must be …". */
  readonly expected: string
  /** From the text of a variable or a flag; what it cannot read it gives back, for the schema to refuse. Without it the text is the value. */
  readonly read?: (text: string) => unknown
}

const matching = (pattern: RegExp, expected: string, mostChars = limits.settingChars): Kind => ({
  schema: z.string().max(mostChars).regex(pattern),
  expected,
})

/** No control characters and no blank ends: a path, or a name that people read. */
export const text = matching(
  /^(?! )[^\p{Cc}]+(?<! )$/u,
  `text of 1 to ${limits.settingChars} characters, with no control character or blank at its ends`,
)
export const name = matching(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, hyphens or underscores')
export const secret = matching(/^[\x21-\x7e]+$/, 'a key of visible ASCII characters, as a header carries it')
export const bindAddress = matching(/^[A-Za-z0-9.:%_-]{1,253}$/, 'an IP address or a host name, without a port')
export const storeUrl = matching(/^(?:memory:|sqlite:[^\p{Cc}]+)$/u, 'memory: or sqlite:PATH')

/** The key has a setting of its own, and what is added to the URL must stay a path (CFG-4). */
export const baseUrl: Kind = {
  schema: z
    .string()
    .max(limits.settingChars)
    .regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/)
    .refine((value) => URL.canParse(value)),
  expected: 'an http or https URL with a host, and with no user, password, question mark or hash',
}

export const oneOf = (...names: readonly [string, ...string[]]): Kind => ({ schema: z.enum(names), expected: `one of ${names.join(', ')}` })

export const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER): Kind => ({
  schema: z.int().min(least).max(most),
  expected: `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}`,
  read: (written) => (/^\d{1,16}$/.test(written) ? Number(written) : written),
})

export const share: Kind = {
  schema: z.number().min(0).max(1),
  expected: 'a number from 0 to 1',
  read: (written) => (/^(?:0|1|0?\.\d{1,15}|1\.0{1,15})$/.test(written) ? Number(written) : written),
}

export const flag: Kind = {
  schema: z.boolean(),
  expected: 'true or false',
  read: (written) => (written === 'true' ? true : written === 'false' ? false : written),
}

const listOf = (item: z.ZodString, least: number, expected: string): Kind => ({
  schema: z.array(item.max(limits.settingChars)).min(least).max(limits.settingItems),
  expected: `${least === 0 ? '' : 'one or more '}${expected}: in a file a list, else with commas between`,
  read: (written) =>
    written
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
})
export const hostNames = listOf(z.string().regex(/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/), 1, 'host names in lower case, without a port')
export const origins = listOf(z.string().regex(/^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/), 0, 'origins, as https://app.example')
export const headerNames = listOf(z.string().regex(/^[a-z0-9-]{1,64}$/), 0, 'header names in lower case')
export const networks = listOf(z.string().refine(isNetwork), 0, 'IP addresses and CIDR ranges')

/** Whether `createRecollect` takes such options. */
const fits =
  (optionsOf: (value: never) => object) =>
  (value: unknown): boolean => {
    try {
      checkOptions(optionsOf(value as never))
      return true
    } catch {
      return false
    }
  }

function readText(written: string): unknown {
  try {
    return readJson(new TextEncoder().encode(written))
  } catch {
    return written
  }
}

export const profiles: Kind = {
  schema: z.array(z.record(z.string(), z.unknown())).refine(fits((value) => ({ profiles: value }))),
  expected: 'a list of model profiles, or its JSON',
  read: readText,
}
export const strategy = (names: readonly [string, ...string[]]): Kind => ({
  schema: z.union([z.enum(names), z.record(z.string(), z.unknown()).refine(fits((value) => ({ context: { strategy: value } })))]),
  expected: `one of ${names.join(', ')}, or an object with its name and options, or its JSON`,
  read: readText,
})
