import { defineConfig } from 'vitest/config'

const project = (name: string, extra: object) => ({
  extends: true as const,
  test: { name, include: [`**/*.${name}.test.ts`], exclude: ['**/node_modules/**'], ...extra },
})

/**
 * Three levels, by file name: unit (no process, no network), int (one real part or more: Kafka, registry,
 * PostgreSQL), e2e (Veza's own processes too). The stack of int and e2e is started once by test/global-setup.ts,
 * unless the environment names one.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      // Property tests take seconds on a machine that does other things too. Of their time three quarters were loading the same
      // modules anew for each file.
      project('unit', { testTimeout: 30_000, isolate: false }),
      project('int', {
        globalSetup: ['test/stack/infrastructure.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
      project('e2e', { globalSetup: ['test/stack/platform.ts'], testTimeout: 180_000, hookTimeout: 300_000 }),
    ],
    coverage: {
      provider: 'v8',
      include: ['contracts/src/**', 'kit/src/**', 'services/*/src/**', 'workers/*/src/**', 'deploy/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**', '**/generated/**'],
    },
  },
})
