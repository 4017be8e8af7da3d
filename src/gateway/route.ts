// What a row of the route table holds, and what a handler gets. A row without an action or schema does not start (GW-2).
import type { ZodType } from 'zod'
import type { Json } from '../core/json.ts'
import { actions, type Action, type Actor } from '../ports/policy.ts'
import type { CredentialInfo, TagOf, User } from '../recollect.ts'
import type { UnscopedRecollect } from './authenticate.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The closed list of rows without an action of the policy (GW-2). */
export type Access = Action | 'open' | 'any credential'

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly revision?: number // becomes the ETag (GW-7)
  readonly headers?: Readonly<Record<string, string>>
  readonly text?: { readonly type: string; readonly body: string }
}

/** What a handler gets: everything checked, and the scope ready-made (GW-4). */
export interface Call<Query = unknown, Body = unknown> {
  readonly recollect: UnscopedRecollect
  readonly actor: Actor
  readonly credential: CredentialInfo
  /** The owner's data; throws `invalid_input` naming the header where the credential has no owner. */
  readonly user: User
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  readonly ifMatch?: number
  readonly signal: AbortSignal
  /** Opens a client's cursor and seals the next one, bound to scope, route and filter (GW-8). */
  readonly page: {
    open(filter: Json): Promise<string | undefined>
    seal(filter: Json, cursor: string | undefined): Promise<string | undefined>
  }
}

/** How an answer is kept for the same request again: not with text, titles or secrets, which a deletion must reach. */
export interface Retry<Body = any> {
  /** True for a body that only looks: a dry run, a preview. */
  looks?(body: Body): boolean
  /** What of the answer is kept; default all of it. */
  keep?(answer: any): Json
  /** The answer made anew from what was kept; default what was kept. */
  answer?(call: Call<any, Body>, kept: any): Promise<Omit<Answer, 'status'>>
  /** It is kept with the tenant, since the owner is gone after it. */
  readonly outlivesOwner?: true
}

export interface Route<Query = any, Body = any> {
  readonly method: Method
  readonly path: string // `/api/v1/sessions/{sessionId}`
  readonly access: Access
  readonly summary: string
  readonly query?: ZodType<Query>
  readonly body?: ZodType<Body>
  readonly answers: Readonly<Record<number, ZodType | 'nothing' | 'text'>>
  /** Beside those that any row may answer. */
  readonly errors?: readonly ('conflict' | 'content_refused')[]
  /** What the same request again gets (GW-6). Every POST says it; `again`: it writes nothing, and runs again. */
  readonly retry?: Retry<NoInfer<Body>> | 'again'
  readonly ifMatch?: true // takes If-Match (GW-7)
  readonly scope: 'owner' | 'tenant' | 'none'
  /** `tagOf`: under an Idempotency-Key, the ids of what is made. */
  handle(call: Call<Query, Body>, tagOf?: TagOf): Promise<Answer>
}

/** Keeps the types of query and body together with their schemas. */
export const route = <Query, Body>(row: Route<Query, Body>): Route => row

/** Whoever is nobody, and whoever is anybody, may call these and no others (GW-2). */
const openRows = ['GET /healthz', 'GET /readyz', 'GET /openapi.json']
const anyCredentialRows = ['GET /api/v1/whoami']

/** The row itself, if it says who may call it, what it takes and answers, and what a retry gets; else there is no gateway (GW-2, GW-6). */
export function checkedRow(row: Route): Route {
  const name = `${row.method} ${row.path}`
  const known =
    row.access === 'open'
      ? openRows.includes(name)
      : row.access === 'any credential'
        ? anyCredentialRows.includes(name)
        : (actions as readonly unknown[]).includes(row.access)
  if (!known) throw new Error(`the route ${name} has no action that the policy knows`)
  if (Object.keys(row.answers).length === 0) throw new Error(`the route ${name} has no schema of an answer`)
  if (['PUT', 'PATCH'].includes(row.method) && row.body === undefined) throw new Error(`the route ${name} has no schema of a body`)
  if (row.method === 'POST' && row.retry === undefined) throw new Error(`the route ${name} does not say what a retry gets`)
  return row
}
