// Key-encryption keys that live as long as the process, or that the caller keeps elsewhere: for tests and short-lived use (SEAL-15).
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import type { KeyProvider } from '../../ports/key-provider.ts'
import { kekRing } from './kek-ring.ts'

const kekBytes = 32

/** `random`: the system's by default. `key`: 32 bytes that the caller holds; without it one is drawn and is gone with the process. @throws `invalid_input` on another length */
export function memoryKeyProvider({ random = randomBytes, key: given }: { readonly random?: Random; readonly key?: KeyObject } = {}): KeyProvider {
  const key = given ?? createSecretKey(random(kekBytes))
  if (key.type !== 'secret' || key.symmetricKeySize !== kekBytes)
    throw new RecollectError(
      'invalid_input',
      `a key-encryption key has ${kekBytes} bytes; got ${key.symmetricKeySize ?? 'another sort of key'}`,
      'Give a secret KeyObject of 32 random bytes.',
    )
  return kekRing('memory', new Map([['memory-1', key]]), 'memory-1', random)
}
