// Session state: the fold of merge patches, swapped against the seq of its last change (SES-3); and the session's setup (SES-4).
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { madeId } from '../../core/ids.ts'
import { isJsonObject, utf8Length, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import { mergePatch, type SessionEntry, type Setup } from '../../core/session.ts'
import type { LoadedSession } from '../../context/planning/source.ts'
import type { Fence } from '../../ports/log-store.ts'
import { checkJson } from '../input/check-json.ts'
import { appendWithin } from './grow.ts'
import type { At, SessionParts } from '../session-parts.ts'

export interface StateView {
  /** Seq of the last change; 0 before the first. */
  readonly revision: number
  readonly state: Json
}
export interface StateSwap {
  readonly ifRevision?: number
  readonly fence?: Fence
}

export async function readState(parts: SessionParts, { scope, id }: At): Promise<StateView> {
  const { fold } = await parts.logs.load(refOf(scope, 'session', id))
  return { revision: fold.stateSeq, state: fold.state }
}

/** RFC 7396. @throws `conflict` on another revision · `payload_too_large` if the state would be over 64 KiB */
export function patchState(parts: SessionParts, at: At, patch: Json, swap: StateSwap = {}): Promise<StateView> {
  const checked = checkJson(patch, 'the patch', { bytes: limits.stateBytes })
  return changeState(parts, at, swap, () => checked)
}

/** Replaces the state. A member that is null is one that is not there, as RFC 7396 has it. */
export function putState(parts: SessionParts, at: At, state: Json, swap: StateSwap = {}): Promise<StateView> {
  const checked = checkJson(state, 'the state', { bytes: limits.stateBytes })
  return changeState(parts, at, swap, (current) => patchTo(current, checked))
}

async function changeState(parts: SessionParts, { scope, id }: At, swap: StateSwap, patchFor: (current: Json) => Json): Promise<StateView> {
  const ref = refOf(scope, 'session', id)
  const entryId = madeId('~state', parts.random)
  for (let attempt = 1; ; attempt++) {
    const loaded = await parts.logs.load(ref)
    const { fold } = loaded
    if (swap.ifRevision !== undefined && swap.ifRevision !== fold.stateSeq) throw otherState(swap.ifRevision, fold.stateSeq)
    const patch = patchFor(fold.state)
    const state = mergePatch(fold.state, patch)
    const bytes = utf8Length(JSON.stringify(state))
    if (bytes > limits.stateBytes)
      throw new RecollectError(
        'payload_too_large',
        `the state has at most ${limits.stateBytes} bytes; this would make ${bytes}`,
        'Remove what is no longer needed.',
        {
          limit: limits.stateBytes,
          given: bytes,
        },
      )
    const entry: SessionEntry = { type: 'state', patch, at: parts.clock.now() }
    const seq = await tryAppend(parts, scope, loaded, ref, { id: entryId, entry }, swap.fence, attempt)
    if (seq !== undefined) return { revision: seq, state }
  }
}

/** Appends what was decided on this version; undefined if another write came first and it is worth another look. */
async function tryAppend(
  parts: SessionParts,
  scope: Scope,
  loaded: LoadedSession,
  ref: ReturnType<typeof refOf>,
  entry: { readonly id: string; readonly entry: SessionEntry },
  fence: Fence | undefined,
  attempt: number,
): Promise<number | undefined> {
  try {
    const appended = await appendWithin(parts, scope, ref, loaded, [entry], {
      expectedVersion: loaded.head.version,
      ...(fence === undefined ? {} : { fence }),
    })
    return appended.seqs[0]
  } catch (error) {
    if (!isRecollectError(error, 'conflict') || attempt >= limits.swapAttempts) throw error
    // A stale fence stays a conflict, whatever the version.
    if ((await parts.logs.head(ref)).head.version === loaded.head.version) throw error
    return undefined
  }
}

/** The merge patch that turns one value into another. */
function patchTo(from: Json, to: Json): Json {
  if (!isJsonObject(from) || !isJsonObject(to)) return to
  const patch: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const key of Object.keys(from)) if (!(key in to) || to[key] === null) patch[key] = null
  for (const [key, value] of Object.entries(to)) {
    const old = Object.hasOwn(from, key) ? (from[key] as Json) : undefined
    if (value === null || JSON.stringify(old) === JSON.stringify(value)) continue
    // An object that replaces a list or a scalar is merged into an empty one, which is the same.
    patch[key] = old === undefined ? value : patchTo(old, value)
  }
  return patch
}

/** Appends a setup entry if it says anything new. */
export async function changeSetup(parts: SessionParts, { scope, id }: At, setup: Setup): Promise<void> {
  const ref = refOf(scope, 'session', id)
  const entryId = madeId('~setup', parts.random)
  for (let attempt = 1; ; attempt++) {
    const loaded = await parts.logs.load(ref)
    const fresh = Object.fromEntries(
      Object.entries(setup).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(loaded.fold.setup[name as keyof Setup])),
    )
    if (Object.keys(fresh).length === 0) return
    if ((await tryAppend(parts, scope, loaded, ref, { id: entryId, entry: { type: 'setup', setup: fresh } }, undefined, attempt)) !== undefined)
      return
  }
}

const otherState = (given: number, found: number) =>
  new RecollectError(
    'conflict',
    `the state was last changed at seq ${found}; the call was made for ${given}`,
    'Read the state again, and repeat the call with its revision.',
    {
      limit: found,
      given,
    },
  )
