// Whether an answer is one that the OpenAPI document has for its route and status (GW-17).
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { routeTable } from '../../src/gateway/app.ts'
import { openapiDocument } from '../../src/gateway/openapi.ts'

const document: any = openapiDocument(routeTable({} as Parameters<typeof routeTable>[0]), '0.0.0')
const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, 'api')
const known = new Map<string, ValidateFunction>()
const patterns = Object.keys(document.paths)
  .toSorted((a, b) => a.split('{').length - b.split('{').length) // a word before an id
  .map((path) => [path, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)] as const)

/** Gives what is wrong; of what is no route of ours there is nothing to say. */
export async function wrongIn(method: string, path: string, response: Response): Promise<readonly string[]> {
  const { pathname } = new URL(path, 'http://gateway')
  const row = patterns.find(([, pattern]) => pattern.test(pathname))?.[0]
  const operation = row === undefined ? undefined : document.paths[row][method.toLowerCase()]
  if (operation === undefined) return response.ok && method !== 'OPTIONS' ? [`${response.status} of what is no route`] : []
  if (operation.tags[0] === 'openai' && response.headers.get('recollect-error-source') !== 'recollect') return [] // the upstream's, as it came
  const place = operation.responses[response.status]
  if (place === undefined) return [`${response.status} is not in the document`]
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  if (place.content === undefined) return response.body === null ? [] : ['a body where the document has none']
  if (place.content[type] === undefined) return [`${type} is not in the document for ${response.status}`]
  if (!type.endsWith('json')) return []
  const pointer = ['paths', row as string, method.toLowerCase(), 'responses', String(response.status), 'content', type, 'schema']
  const name = `api#/${pointer
    .map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1'))
    .map(encodeURIComponent)
    .join('/')}`
  const validate = known.get(name) ?? ajv.compile({ $ref: name })
  known.set(name, validate)
  return validate(await response.clone().json()) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}
