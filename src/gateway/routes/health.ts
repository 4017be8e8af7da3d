// Alive, ready, measured, described. `/healthz` makes no store call; `/readyz` names checks and states only (GW-16).
import type { Health, Recollect } from '../../recollect.ts'
import { route, type Route } from '../route.ts'
import * as schema from '../schemas.ts'

export interface HealthParts {
  readonly recollect: Recollect
  readonly metrics: () => string
  readonly draining: () => boolean
  readonly certificateEnds?: () => boolean
  readonly openapi: () => object
}

export const healthRoutes = (parts: HealthParts): Route[] => [
  route({
    method: 'GET',
    path: '/healthz',
    access: 'open',
    scope: 'none',
    summary: 'The process turns',
    answers: { 200: schema.alive },
    handle: async () => ({ status: 200, body: { alive: true } }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    access: 'open',
    scope: 'none',
    summary: 'Ready for requests',
    answers: { 200: schema.checks, 503: schema.checks },
    async handle() {
      const draining = parts.draining()
      const { checks, ready } = draining ? { checks: [], ready: false } : await healthOf(parts)
      return { status: ready ? 200 : 503, body: { ready, checks: [{ name: 'serving', state: draining ? 'fail' : 'ok' }, ...checks] } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/health',
    access: 'metrics.read',
    scope: 'none',
    summary: 'Health with details',
    answers: { 200: schema.healthDetails },
    async handle() {
      const { ready, checks, details } = await healthOf(parts)
      return { status: 200, body: { ready, checks, details } }
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    access: 'metrics.read',
    scope: 'none',
    summary: 'Prometheus text',
    answers: { 200: 'text' },
    handle: async () => ({ status: 200, text: { type: 'text/plain; version=0.0.4', body: parts.metrics() } }),
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    access: 'open',
    scope: 'none',
    summary: 'This API',
    answers: { 200: schema.json },
    handle: async () => ({ status: 200, body: parts.openapi() }),
  }),
]

/** What the engine says of itself, and the certificate beside it: one that ends still serves whoever does not ask for its date. */
async function healthOf({ recollect, certificateEnds }: HealthParts): Promise<Health> {
  const health = await recollect.health()
  if (certificateEnds === undefined) return health
  return { ...health, checks: [...health.checks, { name: 'certificate', state: certificateEnds() ? 'warn' : 'ok' }] }
}
