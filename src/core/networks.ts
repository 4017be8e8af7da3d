// Addresses and CIDR ranges as an operator lists them, and whether an address is in one.
import { BlockList, isIP } from 'node:net'
import { RecollectError } from './errors.ts'

export interface Networks {
  readonly size: number
  /** False for what is no address. An IPv4 address mapped into IPv6 is the IPv4 address. */
  has(address: string): boolean
}

/** @throws `invalid_input` for an entry that is neither an address nor a CIDR range */
export function networksOf(entries: readonly string[]): Networks {
  const list = new BlockList()
  for (const entry of entries) {
    const range = rangeOf(entry)
    if (range === undefined)
      throw new RecollectError(
        'invalid_input',
        'an entry of the list is neither an address nor a CIDR range',
        'Write entries like 10.0.0.1, 10.0.0.0/8 or fd00::/8.',
      )
    list.addSubnet(range.address, range.bits, range.family)
  }
  return {
    size: entries.length,
    has(address) {
      const family = familyOf(address)
      return family !== undefined && list.check(address, family)
    },
  }
}

export const isNetwork = (entry: string): boolean => rangeOf(entry) !== undefined

function rangeOf(entry: string): { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', prefix, ...more] = entry.split('/')
  const family = familyOf(address)
  const most = family === 'ipv4' ? 32 : 128
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  return family === undefined || more.length > 0 || !(bits <= most) ? undefined : { address, bits, family }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
