// What every answer carries, and the id of every request (GW-5, ACC-14).
import { limits } from '../core/limits.ts'

/** Set on every answer. HSTS is added for whoever came by https. */
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

/** `127.0.0.1:8787` → `127.0.0.1`; `[::1]:80` → `[::1]`. */
export const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()
