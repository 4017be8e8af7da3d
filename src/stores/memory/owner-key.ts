// One string an owner, with no two owners alike, whatever is in the names.

export const ownerKey = ({ tenantId, ownerId }: { readonly tenantId: string; readonly ownerId: string }): string =>
  `${tenantId.length}:${tenantId}${ownerId}`
