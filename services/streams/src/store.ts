export { type AnalyticsDatabase, analyticsModel, type Counts, type PaceKind } from './adapters/analytics.ts'
export { playRule } from './adapters/play-rule.ts'
export { type DailyDigests, dailyDigests, dayOf } from './adapters/salts.ts'
export { type PlayRule, type Reason, reasons } from './domain/play-rule.ts'
