// The two ways to make a scope. Imported by `create-recollect.ts` alone, which hands them on (ISO-2).
import { checkId } from '../core/ids.ts'
import { mintScope, type Mint } from '../core/scope.ts'

/** For names that callers give: reserved ones are refused. @throws `invalid_input` (ISO-6) */
export const mint: Mint = (tenantId, ownerId) => mintScope(checkId(tenantId, 'tenantId'), checkId(ownerId, 'ownerId'))

/** For the engine's own names and for walks over all owners: reserved ones (`~…`) pass. @throws `invalid_input` */
export const mintAny: Mint = (tenantId, ownerId) => mintScope(tenantId, ownerId)
