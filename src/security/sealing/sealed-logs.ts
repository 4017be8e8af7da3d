// The calls on one log of a sealed store: bodies are sealed on the way in, and opened and checked on the way out (SEAL-6 to SEAL-13).
import type { LogStore } from '../../ports/log-store.ts'
import type { SealedLogsParts } from './seal-bodies.ts'
import { sealedReads } from './sealed-reads.ts'
import { sealedWrites } from './sealed-writes.ts'

/** The calls that carry bodies. */
export type LogCalls = Pick<LogStore, 'open' | 'head' | 'append' | 'read' | 'updateHead' | 'rewrite' | 'saveSnapshot' | 'loadSnapshot' | 'list'>

export const sealedLogs = (parts: SealedLogsParts): LogCalls => ({ ...sealedReads(parts), ...sealedWrites(parts) })
