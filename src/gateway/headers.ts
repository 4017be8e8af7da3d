// What every answer carries, and the id of every request (GW-5, ACC-14).
import { limits } from '../core/limits.ts'

/** Set on every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

const visible = new RegExp(`^[A-Za-z0-9._-]{1,${limits.requestIdCharacters}}$`)

/** The client's id if it is a plain one, else ours. */
export const requestIdOf = (headers: Headers, made: () => string): string => {
  const given = headers.get('x-request-id')
  return given !== null && visible.test(given) ? given : made()
}

/** Sets these on an answer of ours, and the charset of its text: all of it is UTF-8. */
export function setHeaders(answer: Response, headers: Readonly<Record<string, string>>): Response {
  const type = answer.headers.get('content-type')
  if (type !== null && /^(?:text\/|application\/(?:[a-z.+-]+\+)?json\b)/i.test(type) && !/charset=/i.test(type))
    answer.headers.set('content-type', `${type}; charset=utf-8`)
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value)
  return answer
}

/** The name that a request calls us by, without its port: `127.0.0.1:8787` → `127.0.0.1`; `[::1]:80` → `[::1]`. */
export const hostOf = ({ headers, url }: Request): string => (headers.get('host') ?? new URL(url).host).replace(/:\d+$/, '').toLowerCase()

/** For who came by https to stay there. Not for localhost: a browser would keep to https with every other server of that machine. */
export const httpsHeaders = (request: Request, https: boolean): Readonly<Record<string, string>> =>
  https && !/(?:^|\.)localhost$/.test(hostOf(request)) ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}
