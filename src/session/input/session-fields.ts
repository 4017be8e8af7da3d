// Which fields the options of a session's calls have, and of what kind: what is not here is refused at the door.
import { pageFields, type Fields } from '../../core/check-fields.ts'

export const updateSwapFields: Fields = { ifRevision: 'number' }
export const swapFields: Fields = { ...updateSwapFields, fence: 'object' }

export const setupFields: Fields = { model: 'text', strategy: 'any', system: 'text', tools: 'objects' }
export const openFields: Fields = {
  ...setupFields,
  title: 'text',
  metadata: 'object',
  class: ['standard'],
  idleMs: 'number',
  absoluteMs: 'number',
  formation: ['on', 'off'],
}
export const sessionPageFields: Fields = { ...pageFields, updatedAfter: 'number' }
export const messagePageFields: Fields = { after: 'number', upTo: 'number', limit: 'number', order: ['asc', 'desc'] }
export const appendFields: Fields = { expectedVersion: 'number', fence: 'object', userText: ['user-typed', 'paste'], rewindTo: 'number' }
export const turnFields: Fields = { whenBusy: ['refuse', 'wait'], ttlMs: 'number', signal: 'signal', renew: 'flag' }
export const forkFields: Fields = { id: 'text' }
export const deleteFields: Fields = { memories: ['forget', 'keep'] }
export const reconcileFields: Fields = { answer: 'text' }
export const usageTokenFields: Fields = {
  inputTokens: 'number',
  outputTokens: 'number',
  cacheReadTokens: 'number',
  cacheWriteTokens: 'number',
  reasoningTokens: 'number',
  overflow: 'flag',
  actualTokens: 'number',
  limitTokens: 'number',
}
export const sweepFields: Fields = { dryRun: 'flag', until: 'number' }
export const usageFields: Fields = { session: 'text', since: 'number' }
export const eraseFields: Fields = { dryRun: 'flag' }
