export { nameListeners, type ReportArchive, type ReportMessage } from './archive.ts'
export { openAnalytics } from './open-analytics.ts'
export { replayAnalytics } from './replay-analytics.ts'
export { type AnalyticsSettings, analyticsEnvironment } from './settings.ts'
