// The names of the provider rules that are written (context.md §3.1).

export const ruleIds = ['I1', 'I2', 'I3', 'I4', 'I11', 'I12'] as const
export type RuleId = (typeof ruleIds)[number]
