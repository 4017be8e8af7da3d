// Randomness and keys that a caller brings, held to what their ports promise.
import { types } from 'node:util'
import { isRecollectError, RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import type { KeyProvider, WrappedKey } from '../ports/key-provider.ts'

/** Fewer bytes than were asked for, or a promise of them, would leave an IV or a key of zeros (SEAL-4). */
export const exactly =
  (random: Random): Random =>
  (count) => {
    const bytes: unknown = random(count)
    if (types.isUint8Array(bytes) && bytes.length === count) return bytes
    throw new RecollectError(
      'invalid_input',
      `random was asked for ${count} bytes and did not give them`,
      'Give a function that returns a Uint8Array of that length at once, or leave random out.',
    )
  }

/** What fails without a code is `unavailable`, with its own words in the cause alone. */
export function answering(provider: KeyProvider): KeyProvider {
  const asked = async <T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> => {
    const answer = await ask().catch((cause: unknown) => {
      throw isRecollectError(cause) ? cause : noAnswer(cause)
    })
    if (!fits(answer)) throw noAnswer(undefined)
    return answer
  }
  const isWrapped = (answer: WrappedKey | undefined | null) => typeof answer?.keyId === 'string' && types.isUint8Array(answer.bytes)
  return {
    get info() {
      return provider.info
    },
    wrap: (key, context) => asked(async () => provider.wrap(key, context), isWrapped),
    unwrap: (wrapped, context) => asked(async () => provider.unwrap(wrapped, context), types.isUint8Array),
    rewrap: (wrapped, context) => asked(async () => provider.rewrap(wrapped, context), isWrapped),
    close: async () => provider.close(),
  }
}

const noAnswer = (cause: unknown) =>
  new RecollectError('unavailable', 'the key provider could not answer', 'Look at the key provider, then make the same call again.', { cause })
