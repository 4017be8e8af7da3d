// API keys: made, listed, rotated, revoked. A secret is shown once.
import type { CredentialRequest } from '../../recollect.ts'
import { given, listOf, timeOf } from '../flags.ts'
import { confirm } from '../terminal.ts'
import type { Work } from '../work.ts'

type Flags = Readonly<Record<string, string | undefined>>

export async function createKey({ backend, terminal }: Work, own: Flags): Promise<number> {
  const grants = listOf(own['grants'], '--grants') ?? []
  const owner = own['for'] ?? (grants.includes('act-for-owner') ? undefined : await backend.owner())
  const request = given({
    name: own['name'],
    ownerId: owner,
    roles: listOf(own['roles'], '--roles'),
    grants: grants.length === 0 ? undefined : grants,
    userText: own['userText'],
    expiresAt: timeOf(own['expires'], '--expires'),
  })
  const made = await backend.createKey(request as unknown as CredentialRequest)
  terminal.result(made, () => [made.secret])
  terminal.note(`key ${made.key.id}; its secret is shown this once`)
  return 0
}

export async function listKeys({ backend, terminal }: Work): Promise<number> {
  const keys = await backend.keys()
  terminal.result(keys, () =>
    keys.map(
      (key) =>
        `${key.id}  ${key.name}  ${key.roles.join(',')}  until ${new Date(key.expiresAt).toISOString().slice(0, 10)}${key.revokedAt === undefined ? '' : '  revoked'}`,
    ),
  )
  return 0
}

export async function rotateKey({ backend, terminal }: Work, id: string): Promise<number> {
  const made = await backend.rotateKey(id)
  terminal.result(made, () => [made.secret])
  terminal.note(`key ${made.key.id}; the old one still holds until it is revoked or ends`)
  return 0
}

export async function revokeKey({ backend, terminal, flags }: Work, id: string): Promise<number> {
  await confirm(terminal, flags.yes === true, id, 'This ends the key')
  await backend.revokeKey(id)
  terminal.result({ revoked: id }, () => [`revoked ${id}`])
  return 0
}
