// Every key that Recollect uses, as data: `docs/reference/crypto.md` is made from it (SEAL-21).

export interface KeyUseRow {
  readonly key: string
  readonly algorithm: string
  readonly purpose: string
  readonly bits: number
  readonly life: string
  readonly lies: string
  readonly usedBy: string
}

const derived = 'nowhere: derived when needed, in memory for at most 5 minutes'
const asSubject = 'as the subject key'

export const cryptoInventory: readonly KeyUseRow[] = [
  {
    key: 'key-encryption key',
    algorithm: 'AES-256-GCM',
    purpose: 'wraps data and subject keys',
    bits: 256,
    life: 'until it is replaced',
    lies: 'the key file, or with the caller',
    usedBy: 'the key provider',
  },
  {
    key: 'data key (one an owner and version)',
    algorithm: 'HKDF-SHA-256 input',
    purpose: 'source of the seal and audit keys',
    bits: 256,
    life: '90 days or 2^28 seals for new writes; kept until nothing is sealed under it',
    lies: 'the key store, wrapped',
    usedBy: 'the key ring',
  },
  {
    key: 'subject key (one an owner)',
    algorithm: 'HKDF-SHA-256 input',
    purpose: 'source of the keys below',
    bits: 256,
    life: 'until the owner is erased',
    lies: 'the key store, wrapped',
    usedBy: 'the key ring',
  },
  {
    key: 'recollect/v1/seal',
    algorithm: 'AES-256-GCM, random 96-bit IV, 128-bit tag',
    purpose: 'seals entries, heads and snapshot chunks',
    bits: 256,
    life: 'as its data key',
    lies: derived,
    usedBy: 'the sealing wrapper',
  },
  {
    key: 'recollect/v1/audit',
    algorithm: 'HMAC-SHA-256',
    purpose: 'chains one audit log (owner ~audit)',
    bits: 256,
    life: 'as its data key',
    lies: derived,
    usedBy: 'the audit log',
  },
  {
    key: 'recollect/v1/id',
    algorithm: 'HMAC-SHA-256',
    purpose: 'ids that follow from content',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'sessions, formation',
  },
  {
    key: 'recollect/v1/evidence',
    algorithm: 'HMAC-SHA-256',
    purpose: 'hashes of quoted evidence',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'formation',
  },
  {
    key: 'recollect/v1/suppress',
    algorithm: 'HMAC-SHA-256',
    purpose: 'marks of what was forgotten',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'forget, formation',
  },
  {
    key: 'recollect/v1/pseudonym',
    algorithm: 'HMAC-SHA-256',
    purpose: 'names of owners and sessions in logs and audit',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'audit log, telemetry',
  },
  {
    key: 'recollect/v1/token',
    algorithm: 'AES-256-GCM, random 96-bit IV, 128-bit tag',
    purpose: 'seals cursors and response ids (owner ~system)',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'the gateway',
  },
  {
    key: 'recollect/v1/api-key',
    algorithm: 'HMAC-SHA-256',
    purpose: 'hashes of API key secrets (owner ~api-keys)',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'credentials',
  },
  {
    key: 'recollect/v1/receipt',
    algorithm: 'HMAC-SHA-256',
    purpose: 'signs deletion receipts (owner ~audit)',
    bits: 256,
    life: asSubject,
    lies: derived,
    usedBy: 'forget, delete, erase',
  },
]
