// The names that Recollect keeps for itself (ISO-6). Callers cannot make them: they start with ~.

export const reserved = {
  /** The tenant, and the owner in it, of what belongs to the deployment and to no tenant. */
  system: '~system',
  /** Owner of a tenant's audit logs (AUD-1). */
  audit: '~audit',
  /** Owner of a tenant's key logs, one log an owner (SEAL-17). */
  keys: '~keys',
  /** Owner of the API keys, in the tenant `~system` (ACC-4). */
  apiKeys: '~api-keys',
  /** Owner of a tenant's keyed requests that are about no owner, or about one that they erase (GW-6). */
  requests: '~requests',
} as const

export const isReserved = ({ ownerId }: { readonly ownerId: string }): boolean => ownerId.startsWith('~')
