// `recollect-embedder`: vectors from the local embedder, in the API's own form.
import { RecollectError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { UnscopedRecollect } from '../authenticate.ts'

export const localEmbedder = 'recollect-embedder'

export async function localEmbeddings(recollect: UnscopedRecollect, body: JsonObject): Promise<Response> {
  const texts = textsOf(body['input'])
  const base64 = body['encoding_format'] === 'base64'
  const { vectors } = await recollect.embed(texts, 'record')
  const tokens = Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4)
  return Response.json({
    object: 'list',
    model: localEmbedder,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: base64 ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64') : [...vector],
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

function textsOf(input: Json | undefined): string[] {
  const texts = typeof input === 'string' ? [input] : Array.isArray(input) ? (input as Json[]) : []
  const fits = texts.length > 0 && texts.length <= limits.modelMessages && texts.every((text) => typeof text === 'string' && text !== '')
  if (!fits)
    throw new RecollectError(
      'invalid_input',
      `input is 1 to ${limits.modelMessages} texts, none of them empty`,
      'Send `input` as a text or a list of texts.',
      { limit: limits.modelMessages, given: texts.length, details: { param: 'input' } },
    )
  return texts as string[]
}
