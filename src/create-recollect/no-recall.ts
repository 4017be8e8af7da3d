import { RecollectError } from '../core/errors.ts'
import type { Recall } from '../recall/recall-types.ts'
const later = () => Promise.reject(new RecollectError('unavailable', 'recall is not wired yet', 'Try again.'))
export const createRecall = (_: unknown): Recall => ({
  search: later, forContext: later, explain: later, records: async () => new Map(), preferences: async () => [], partition: later, saveSnapshot: async () => false, drop: () => {}, bytes: 0,
})
