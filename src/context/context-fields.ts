// Which fields the options of a context have, and of what kind (CTX-6).
import { checkFields, type Fields } from '../core/check-fields.ts'
import { formats } from '../core/context.ts'
import { RecollectError } from '../core/errors.ts'
import type { ContextOptions } from './context-options.ts'

const fields: Fields = {
  model: 'any',
  budgetTokens: 'number',
  reserveOutputTokens: 'number',
  strategy: 'any',
  format: formats,
  system: 'text',
  tools: 'objects',
  recall: 'any',
  state: 'flag',
  pins: 'numbers',
  minTurns: 'number',
  preview: 'flag',
  messages: 'objects',
  signal: 'signal',
  timeoutMs: 'number',
}
const recallFields: Fields = { query: 'text', maxItems: 'number', maxTokens: 'number', onFailure: ['omit', 'fail'] }

/** `more`: fields that the call has besides. @throws `invalid_input` */
export function checkContextOptions(options: ContextOptions | undefined, more: Fields = {}): void {
  checkFields(options, { ...fields, ...more }, 'the options of a context')
  const { model, recall } = options ?? {}
  if (typeof model === 'string') checkFields({ model }, { model: 'text' }, 'the options of a context')
  else if (model !== undefined && (typeof model !== 'object' || model === null || typeof model.id !== 'string' || typeof model.tokens !== 'object'))
    throw new RecollectError('invalid_input', 'model must be a name or a profile', 'Give the name of a model, or a whole profile.')
  if (recall !== undefined && recall !== false) checkFields(recall, recallFields, 'recall')
}
