// What the verbs of deletion answer: forget a record, redact a message, delete a session, erase an owner (ERA-6). Values; the receipts are made in `security/`.

export interface Removed {
  readonly store: string
  readonly logs: number
  readonly entries: number
  readonly snapshots: number
  /** of whole logs as stored; of single entries without their seal */
  readonly bytes: number
}
/** A place that was looked at after the removal: any find is residue (ERA-8). */
export interface Probe {
  readonly place: string
  readonly lookedFor: number
  readonly found: number
}
export interface DeletionReceipt {
  readonly id: string
  readonly verb: 'forget' | 'delete' | 'redact' | 'erase'
  /** a pseudonym; never a clear id */
  readonly target: string
  readonly requestedAt: number
  readonly completedAt: number
  readonly removed: readonly Removed[]
  /** memory records that went */
  readonly records: number
  readonly rederived: number
  readonly keptWhy: readonly { readonly what: string; readonly why: string }[]
  /** sessions in whose prompts a forgotten record stood */
  readonly injectedInto?: readonly string[]
  readonly probes: readonly Probe[]
  readonly notProbed: readonly { readonly place: string; readonly why: string; readonly goneBy?: number }[]
  /** nothing was found by any probe */
  readonly clean: boolean
  readonly auditHead?: { readonly count: number; readonly hash: string }
  readonly mac: string
}
export interface ErasureReceipt extends DeletionReceipt {
  readonly verb: 'erase'
  readonly dataKeys: number
  readonly dryRun: boolean
  /** an earlier call was cut off: `removed` counts what that one had left */
  readonly resumed?: true
}
