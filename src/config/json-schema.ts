// The settings as a JSON Schema, for editors and for whoever checks a file before it is used; made from the one table (CFG-1).
import { z } from 'zod'
import { settings, type Setting } from './settings.ts'

type Schema = Record<string, unknown>

const reference = {
  oneOf: [
    { type: 'object', properties: { env: { type: 'string' } }, required: ['env'], additionalProperties: false },
    { type: 'object', properties: { file: { type: 'string' } }, required: ['file'], additionalProperties: false },
  ],
}

/** Of `recollect.json`: a dot in a setting's name is a level of the file. */
export function settingsSchema(): Schema {
  const root = group()
  for (const [name, setting] of Object.entries(settings) as [string, Setting][]) {
    const steps = name.split('.')
    const leaf = steps.pop() as string
    let at = root
    for (const step of steps) at = (propertiesOf(at)[step] ??= group()) as Schema
    propertiesOf(at)[leaf] = {
      ...valueSchema(setting),
      description: setting.reason,
      ...(setting.fallback === undefined ? {} : { default: setting.fallback }),
    }
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Recollect settings', ...root }
}

const group = (): Schema => ({ type: 'object', properties: {}, additionalProperties: false })
const propertiesOf = (schema: Schema) => schema['properties'] as Record<string, Schema>

function valueSchema({ kind, secret }: Setting): Schema {
  if (secret === true) return reference
  const { $schema: _, ...rest } = z.toJSONSchema(kind.schema, { unrepresentable: 'any' }) as Schema
  return rest
}
