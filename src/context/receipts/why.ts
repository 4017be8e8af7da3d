// Where one message or memory stood, call by call, when it left, and by which cause (REC-3). Pure: answered from receipts alone, which hold no text.
import { isInPrompt, isPlaced, type Receipt, type ReceiptPart, type ReceiptRecallItem } from '../../core/context.ts'

/** What a call did with it. `unknown`: its block is still sent, but an epoch that began as `forgotten` may have taken it out of that block. */
interface Standing {
  readonly sent: boolean | 'unknown'
  readonly class?: ReceiptPart['class']
  readonly why?: ReceiptPart['why']
  readonly change?: ReceiptPart['change']
  readonly into?: Receipt['evicted'][number]['into'] // of a seq that was not sent
  readonly summaryId?: string
  readonly outcome?: ReceiptRecallItem['outcome'] // of a memory, where recall weighed it
}

/** Calls in a row that did the same with it, within one epoch. */
export interface Stretch extends Standing {
  readonly epoch: number
  readonly from: { readonly receipt: string; readonly at: number }
  readonly to: { readonly receipt: string; readonly at: number }
  readonly calls: number
}

export interface Course {
  /** in the order of the calls; calls that knew nothing of it are left out */
  readonly stretches: readonly Stretch[]
  /** The newest call that no longer sent what the call before it did, and the cause of its epoch. */
  readonly left?: { readonly receipt: string; readonly at: number; readonly cause: string; readonly into?: Standing['into'] }
}

/** `receipts` oldest first; `of` is a seq of the session or the id of a memory. */
export function courseOf(receipts: readonly Receipt[], of: number | string): Course {
  const standingIn = typeof of === 'number' ? (receipt: Receipt) => seqIn(receipt, of) : memoryIn(of)
  const stretches: Stretch[] = []
  let left: Course['left']
  for (const receipt of receipts) {
    const standing = standingIn(receipt)
    if (standing === undefined) continue
    const { id, at, epoch } = { ...receipt, epoch: receipt.epoch.no }
    const last = stretches.at(-1)
    const to = { receipt: id, at }
    if (last?.sent === true && standing.sent === false)
      left = { ...to, cause: receipt.epoch.cause, ...(standing.into === undefined ? {} : { into: standing.into }) }
    if (last !== undefined && last.epoch === epoch && isSame(last, standing)) stretches[stretches.length - 1] = { ...last, to, calls: last.calls + 1 }
    else stretches.push({ ...standing, epoch, from: to, to, calls: 1 })
  }
  return left === undefined ? { stretches } : { stretches, left }
}

const isSame = (a: Standing, b: Standing): boolean =>
  a.sent === b.sent &&
  a.class === b.class &&
  a.why === b.why &&
  a.change === b.change &&
  a.into === b.into &&
  a.summaryId === b.summaryId &&
  a.outcome === b.outcome

const covers = ({ seqs }: { readonly seqs?: readonly [number, number] }, seq: number): boolean =>
  seqs !== undefined && seqs[0] <= seq && seq <= seqs[1]

function seqIn({ parts, evicted }: Receipt, seq: number): Standing | undefined {
  const part = parts.find((one) => covers(one, seq))
  if (part !== undefined) return { sent: true, class: part.class, why: part.why, ...(part.change === undefined ? {} : { change: part.change }) }
  const range = evicted.find((one) => covers(one, seq))
  return range && { sent: false, into: range.into, ...(range.summaryId === undefined ? {} : { summaryId: range.summaryId }) }
}

const isMemory = (part: ReceiptPart | undefined): boolean => part?.class === 'preferences' || part?.class === 'recalled-data'

const hasMemories = ({ parts }: Receipt): boolean => parts.some(isMemory)

/** The seq that the memories placed by this call stand before. */
const placedBefore = ({ parts }: Receipt): number | undefined =>
  parts.find((part, index) => part.seqs !== undefined && index > parts.findLastIndex(isMemory))?.seqs?.[0]

/** The block of memories before a seq, if it is still sent: what stands before a message goes with it (INJ-1). */
const blockBefore = ({ parts }: Receipt, seq: number): ReceiptPart | undefined => {
  const block = parts[parts.findIndex(({ seqs }) => seqs?.[0] === seq) - 1]
  return isMemory(block) ? block : undefined
}

/** Whether the memories of a call are surely not sent by another: what its own call placed can be followed, what was live before only if none is left. */
export function isGone(item: ReceiptRecallItem, from: Receipt, to: Receipt): boolean {
  if (!isInPrompt(item) || to.recall.items.some((other) => other.id === item.id && isInPrompt(other))) return false
  if (!hasMemories(to)) return true
  const seq = isPlaced(item) ? placedBefore(from) : undefined
  return seq !== undefined && blockBefore(to, seq) === undefined
}

/** A memory is named by the call that placed it; from then on it stands as long as its block does, before the same message (INJ-1). */
function memoryIn(id: string): (receipt: Receipt) => Standing | undefined {
  let beforeSeq: number | undefined
  let certain = true
  return (receipt) => {
    const { recall, epoch } = receipt
    const item = recall.items.find((one) => one.id === id)
    const outcome = item?.outcome
    const weighed = outcome === undefined ? {} : { outcome }
    if (item !== undefined && isPlaced(item)) beforeSeq = placedBefore(receipt)
    if (beforeSeq === undefined) return outcome === undefined ? undefined : { sent: false, ...weighed }
    const block = blockBefore(receipt, beforeSeq)
    if (block === undefined) return { sent: false, ...weighed }
    if (outcome !== undefined) certain = true
    else if (epoch.began && epoch.cause === 'forgotten') certain = false
    return { sent: certain || 'unknown', class: block.class, why: block.why, ...weighed }
  }
}
