// The sheet of a log, made without any model: the same messages give the same bytes in every process (SUM-4).
import type { LoggedMessage } from '../core/message.ts'
import { extractItems, type Draft } from './extract.ts'
import type { Sheet, SheetItem } from './sheet.ts'

/** Another way to extract gives other sheets. */
const policy = 'offline-1'

/**
 * The sheet of all messages up to `upTo`. A longer log gives a sheet of its own, extracted from the start.
 * `tag` is the owner's keyed hash, `OwnerKeys.tag('id', …)`: ids of items are equal for equal kind and text.
 */
export function offlineSheet({
  messages,
  upTo,
  tag,
}: {
  readonly messages: readonly LoggedMessage[]
  readonly upTo: number
  readonly tag: (fields: readonly string[]) => string
}): Sheet {
  const span = messages.filter(({ seq }) => seq <= upTo)
  const idOf = ({ kind, canonical }: Draft): string => tag(['sheet-item', kind, canonical])
  const id = tag(['sheet', '', String(span[0]?.seq ?? 0), String(upTo), policy, String(span.length)])
  return { id, upTo, items: extractItems(span).map((draft) => itemOf(draft, idOf)) }
}

function itemOf(draft: Draft, idOf: (draft: Draft) => string): SheetItem {
  const { kind, text, refs, firstSeq, lastSeq, mentions, status, supersedes, authority } = draft
  return {
    id: idOf(draft),
    kind,
    text,
    refs,
    firstSeq,
    lastSeq,
    mentions,
    status,
    ...(supersedes === undefined ? {} : { supersedes: idOf(supersedes) }),
    authority,
    madeBy: 'extractor',
  }
}
