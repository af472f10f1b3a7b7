/**
 * The import rule of the house. Contracts stand on nothing, kit on contracts, services and workers on both;
 * nobody imports another service or worker, except that a context's workers use its store. Inside a service the
 * folders are layers and imports point downwards only.
 */
const layers = ['main', 'routes', 'commands', 'queries', 'adapters', 'domain']
const test = String.raw`\.(unit|int|e2e)\.test\.ts$`

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^contracts/', pathNot: test },
      to: { path: '^(kit|services|workers|deploy|test|web)/' },
    },
    {
      name: 'kit-has-no-business',
      severity: 'error',
      from: { path: '^kit/' },
      to: { path: '^(services|workers|deploy|test|web)/' },
    },
    {
      name: 'services-do-not-meet',
      comment: 'Ask its API or read its topics.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^(services/(?!$1/)|workers/|deploy/|test/)' },
    },
    {
      name: 'workers-use-only-stores',
      severity: 'error',
      from: { path: '^workers/([^/]+)/' },
      to: {
        path: '^(services/|workers/(?!$1/)|deploy/|test/)',
        pathNot: String.raw`^services/[^/]+/src/(store|migrate)\.ts$`,
      },
    },
    {
      name: 'domain-is-pure',
      comment: 'decide and evolve import values, types of contracts and nothing that touches the world.',
      severity: 'error',
      from: { path: '^services/[^/]+/src/domain/', pathNot: test },
      to: { pathNot: '^(services/[^/]+/src/domain/|contracts/src/|node:crypto|crypto$)' },
    },
    ...layers.slice(1).map((layer, index) => ({
      name: `layers-point-down-from-${layer}`,
      severity: 'error',
      from: { path: `^services/[^/]+/src/${layer}(/|\\.ts)`, pathNot: test },
      to: { path: `^services/[^/]+/src/(${layers.slice(0, index + 1).join('|')})(/|\\.ts)` },
    })),
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: {
        path: '^(contracts|kit|services|workers|deploy)/',
        pathNot: `(${test}|^kit/src/testing/|/testing/)`,
      },
      to: { path: '^kit/src/testing/' },
    },
    {
      name: 'page-uses-what-all-may',
      comment: 'It is the example that client developers copy: the public APIs and published packages alone.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(contracts|kit|services|workers|deploy|test)/' },
    },
    {
      name: 'nobody-imports-the-page',
      severity: 'error',
      from: { pathNot: '^web/' },
      to: { path: '^web/' },
    },
    {
      name: 'declared-dependencies',
      severity: 'error',
      from: { pathNot: `(${test}|\\.config\\.|^eslint)` },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|\\.veza|coverage|bench-results|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
