// What `recollect serve` says once it serves: the URLs, the key, and two calls to try (RUN-7).
import path from 'node:path'
import { dayOf, type Certificate } from '../config/certificate.ts'
import type { Configuration } from '../config/load.ts'

export function welcome(bound: string, key: string | undefined, configuration: Configuration, certificate: Certificate | undefined): string[] {
  const covered = (configuration.get('gateway.hosts') as readonly string[]).filter((host) => certificate?.covers(host) === true)
  const url = addressOf(bound, covered)
  const upstream = configuration.get('upstream.url') as string | undefined
  const shown = key ?? '$RECOLLECT_KEY'
  const trusted = certificate?.selfSigned === true ? ` --cacert '${path.resolve(certificate.certFile).replaceAll("'", `'\\''`)}'` : ''
  const chat = `curl${trusted} ${url}/s/first/v1/chat/completions -H "authorization: Bearer ${shown}" -H 'content-type: application/json'`
  const body = `-d '{"model":"any","messages":[{"role":"user","content":"I live in Lisbon."}]}'`
  return [
    `Recollect serves on ${url}`,
    '',
    `  OpenAI base URL   ${url}/s/SESSION/v1    (any session name; or ${url}/v1 with the header recollect-session)`,
    `  native API        ${url}/api/v1          (described in ${url}/openapi.json)`,
    `  store             ${configuration.get('stores.sessions') ?? `SQLite in ${configuration.get('dataDir')}`}, sealing ${configuration.get('seal')}`,
    `  embedder          ${configuration.get('embedder')}`,
    ...(certificate === undefined
      ? []
      : [
          `  certificate       until ${dayOf(certificate.validUntil)}, ${covered.length > 0 ? `for ${covered.join(', ')}` : 'for no name in gateway.hosts: set the names that clients call'}`,
        ]),
    `  upstream          ${upstream ?? 'none: set RECOLLECT_UPSTREAM_URL (up to /v1) and RECOLLECT_UPSTREAM_KEY, and start again'}`,
    '',
    ...(key === undefined
      ? ['The key was shown at the first start. Make another with: npm start -- keys create --name NAME --user-text user-typed']
      : ['Your key, shown this once (tenant default, owner me):', '', `  ${key}`]),
    '',
    `A chat turn in the session "first"${upstream === undefined ? ', once an upstream is set' : ''}:`,
    `  ${chat} ${body}`,
    'What would be in the prompt, without a model and without storing anything:',
    `  ${chat} -H 'recollect-mode: dry-run' ${body}`,
  ]
}

/** What is bound; with a certificate, by the first name that it covers and that requests may carry. */
function addressOf(bound: string, covered: readonly string[]): string {
  const url = new URL(bound)
  if (covered[0] !== undefined && !covered.includes(url.hostname)) url.hostname = covered[0]
  return url.origin
}
