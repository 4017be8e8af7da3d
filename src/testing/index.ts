// What tests of applications and of drivers by others may use: the store contract, a clock by hand, seeded randomness, telemetry that remembers.
export { manualClock, type ManualClock } from './manual-clock.ts'
export { losingReplies, type LosingReplies } from './losing-replies.ts'
export { seededRandom, type SeededRandom } from './seeded-random.ts'
export { recordingTelemetry, type RecordedLine, type RecordingTelemetry } from './recording-telemetry.ts'
export {
  contractCases,
  storeContract,
  type CaseId,
  type ContractCase,
  type HookName,
  type Row,
  type StoreContract,
  type StoreHooks,
  type TestRunner,
} from './store-contract.ts'
export { strategyContract, type StrategyContract, type StrategySession } from './strategy-contract.ts'
