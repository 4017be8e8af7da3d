// What a session's contexts keep between calls: derived data only, so that dropping it changes nothing but the time (P2, P11).

/** Opaque to the session, which holds one for each session it has in memory and drops it with the session. */
export interface ContextCache {
  readonly kept: Map<string, unknown>
}

export const createContextCache = (): ContextCache => ({ kept: new Map() })
