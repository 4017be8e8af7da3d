// A key as every surface shows it: the tenant is that of whoever asks.
import type { CredentialInfo } from '../recollect.ts'

export const shownKey = ({ ownerId, tenantId: _, ...key }: CredentialInfo): object => ({
  ...key,
  ...(ownerId === undefined ? {} : { owner: ownerId }),
})
