export { openAnalytics } from './open-analytics.ts'
export { replayAnalytics } from './replay-analytics.ts'
export { type AnalyticsSettings, analyticsEnvironment } from './settings.ts'
