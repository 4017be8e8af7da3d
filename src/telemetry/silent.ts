// Telemetry for whoever wants none.
import type { Telemetry } from '../ports/telemetry.ts'

export const silentTelemetry: Telemetry = { count: () => {}, observe: () => {}, gauge: () => {}, log: () => {} }
