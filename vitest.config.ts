import { defineConfig } from 'vitest/config'

const project = (name: string, extra: object) => ({
  extends: true as const,
  test: { name, include: [`**/*.${name}.test.ts`], exclude: ['**/node_modules/**'], ...extra },
})

/**
 * Three levels, by file name: unit (no process, no network), int (one real part or more: Kafka, registry,
 * PostgreSQL), e2e (Veza's own processes too). The stack of int and e2e is started once by test/stack,
 * unless the environment names one.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      // Files share their process and its modules: most of the time of unit tests, and a second or two of each file of int and
      // e2e, was loading the same anew. So modules that support tests keep nothing from file to file, and register their hooks in
      // a function: the second file that imports one does not run it.
      // Property tests take seconds on a machine that does other things too.
      project('unit', { testTimeout: 30_000, isolate: false }),
      project('int', {
        isolate: false,
        globalSetup: ['test/stack/infrastructure.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
      project('e2e', {
        isolate: false,
        globalSetup: ['test/stack/platform.ts'],
        testTimeout: 180_000,
        hookTimeout: 300_000,
      }),
    ],
    coverage: {
      provider: 'v8',
      include: ['contracts/src/**', 'kit/src/**', 'services/*/src/**', 'workers/*/src/**', 'deploy/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**', '**/generated/**'],
    },
  },
})
