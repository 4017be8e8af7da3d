// Which fields the options of a context have, and of what kind (CTX-6).
import { checkFields, type FieldKind, type Fields } from '../../core/check-fields.ts'
import { formats } from '../../core/context.ts'
import { RecollectError } from '../../core/errors.ts'
import type { ContextDefaults, ContextOptions } from './context-options.ts'

const defaultFields: Record<keyof ContextDefaults, FieldKind> = {
  model: 'any',
  budgetTokens: 'number',
  reserveOutputTokens: 'number',
  strategy: 'any',
  recall: 'any',
  state: 'flag',
  minTurns: 'number',
  timeoutMs: 'number',
}
const fields: Fields = {
  ...defaultFields,
  format: formats,
  system: 'text',
  tools: 'objects',
  pins: 'numbers',
  preview: 'flag',
  messages: 'objects',
  signal: 'signal',
}
const recallFields: Fields = { query: 'text', maxItems: 'number', maxTokens: 'number', onFailure: ['omit', 'fail'] }

/** `more`: fields that the call has besides. @throws `invalid_input` */
export function checkContextOptions(options: ContextOptions | undefined, more: Fields = {}): void {
  checkFields(options, { ...fields, ...more }, 'the options of a context')
  checkInner(options)
}

/** The kinds alone: `checkDefaults` looks at the values. @throws `invalid_input` */
export function checkDefaultFields(defaults: ContextDefaults | undefined): void {
  checkFields(defaults, defaultFields, 'the defaults of contexts')
  checkInner(defaults)
}

function checkInner({ model, recall }: ContextOptions = {}): void {
  if (typeof model === 'string') checkFields({ model }, { model: 'text' }, 'the options of a context')
  else if (model !== undefined && (typeof model !== 'object' || model === null || typeof model.id !== 'string' || typeof model.tokens !== 'object'))
    throw new RecollectError('invalid_input', 'model must be a name or a profile', 'Give the name of a model, or a whole profile.')
  if (recall !== undefined && recall !== false) checkFields(recall, recallFields, 'recall')
}
