// What the three verbs of deletion answer: forget a record, delete a session, erase an owner (ERA-6). Values; the receipts are made in `security/`.

export interface Removed {
  readonly store: string
  readonly logs: number
  readonly entries: number
  readonly snapshots: number
  readonly bytes: number
}
export interface DeletionReceipt {
  readonly id: string
  readonly verb: 'forget' | 'delete' | 'redact' | 'erase'
  readonly target: string // a pseudonym; never a clear id
  readonly requestedAt: number
  readonly completedAt: number
  readonly removed: readonly Removed[]
  readonly records: number // memory records that went
  readonly rederived: number
  readonly keptWhy: readonly { readonly what: string; readonly why: string }[]
  readonly injectedInto?: readonly string[] // sessions in whose prompts a forgotten record stood
  readonly auditHead?: { readonly count: number; readonly hash: string }
  readonly mac: string
}
export interface ErasureReceipt extends DeletionReceipt {
  readonly verb: 'erase'
  readonly dataKeys: number
  readonly probes: readonly { readonly place: string; readonly lookedFor: number; readonly found: number }[]
  readonly notProbed: readonly { readonly place: string; readonly why: string; readonly goneBy?: number }[]
  readonly clean: boolean
  readonly dryRun: boolean
  readonly resumed?: true // an earlier call was cut off: `removed` counts what that one had left
}
