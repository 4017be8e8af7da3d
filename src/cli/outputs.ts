// What each command prints under --json, as schemas: docs/reference/cli.schema.json and the tests read them (CLI-3).
import { z } from 'zod'
import * as schema from '../gateway/schemas.ts'

/** By command; `serve` and `chat` print text alone. */
export const outputs: Readonly<Record<string, z.ZodType>> = {
  context: schema.context,
  search: schema.found,
  remember: schema.record,
  forget: schema.deletion,
  memories: z.array(schema.record),
  'sessions list': z.array(schema.session),
  'sessions show': schema.session,
  'sessions delete': schema.deletion,
  receipt: z.union([z.array(schema.receiptHead), schema.storedReceipt, z.looseObject({ a: schema.id, b: schema.id })]),
  erase: schema.deletion,
  stats: schema.figures,
  sweep: schema.swept,
  'eval retrieval': z.looseObject({
    name: z.string(),
    date: z.string(),
    commit: z.string(),
    machine: z.string(),
    questions: z.int(),
    all: z.looseObject({ n: z.int(), r1: z.number(), r5: z.number(), r10: z.number(), mrr: z.number() }),
  }),
  doctor: z.object({
    configuration: z.array(z.object({ name: z.string(), value: z.unknown(), source: z.enum(['flag', 'environment', 'file', 'default']) })),
    checks: z.array(z.object({ name: z.string(), state: z.enum(['ok', 'warn', 'fail']), said: z.string(), next: z.string().optional() })),
  }),
  'keys create': schema.keyWithSecret,
  'keys list': z.array(schema.key),
  'keys rotate': schema.keyWithSecret,
  'keys revoke': z.object({ revoked: schema.id }),
}
