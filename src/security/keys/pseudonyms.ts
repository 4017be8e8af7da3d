// What logs, receipts and the audit trail call an owner or a session: keyed hashes that mean nothing once the owner's keys are gone (ERA-9).
import type { OwnerKeys } from './owner-keys.ts'

export const ownerPseudonym = (keys: OwnerKeys, ownerId: string): string => `own-${keys.tag('pseudonym', ['owner', ownerId])}`
export const sessionPseudonym = (keys: OwnerKeys, sessionId: string): string => `ses-${keys.tag('pseudonym', ['session', sessionId])}`
