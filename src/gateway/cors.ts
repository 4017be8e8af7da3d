// What a browser is told on behalf of pages of other origins: nothing, unless the origin is configured exactly, and then without credentials (GW-15).
import { limits } from '../core/limits.ts'

type Origins = readonly string[] | undefined

const isListed = (request: Request, origins: Origins): boolean => origins?.includes(request.headers.get('origin') ?? '') === true

/** What every answer to a page of a listed origin carries, refusals too: without it the page cannot read why. */
export const corsHeaders = (request: Request, origins: Origins): Readonly<Record<string, string>> =>
  isListed(request, origins)
    ? { 'access-control-allow-origin': request.headers.get('origin') as string, 'access-control-expose-headers': '*', vary: 'Origin' }
    : {}

/** A browser asks before each call with a key or a JSON body, and sends no key with the question. */
export const isPreflight = (request: Request, origins: Origins): boolean =>
  request.method === 'OPTIONS' && request.headers.has('access-control-request-method') && isListed(request, origins)

/** The headers asked for are allowed as they come: what each of them may do is decided at the call. */
export function preflightAnswer(request: Request, methods: readonly string[]): Response {
  const asked = request.headers.get('access-control-request-headers')
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': methods.join(', '),
      ...(asked === null ? {} : { 'access-control-allow-headers': asked }),
      'access-control-max-age': String(limits.preflightMs / 1_000),
    },
  })
}
