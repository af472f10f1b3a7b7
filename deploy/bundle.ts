import { build, type Plugin } from 'esbuild'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { processes } from './stack.ts'

const root = resolve(import.meta.dirname, '..')

/** What lies beside a source (schemas, rules, a protocol) is found by where the source is, not by where its code has come. */
const keepPlaces: Plugin = {
  name: 'keep places',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const places = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href }
      const source = await readFile(path, 'utf8')
      const contents = source.replaceAll(/\bimport\.meta\.(dirname|filename|url)\b/g, (_, name) =>
        JSON.stringify(places[name as keyof typeof places]),
      )
      return { loader: 'ts', contents }
    })
  },
}

const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier

/** Whether a workspace has a version of its own, which would not be found from where the bundle lies. */
const isNested = (specifier: string, from: string): boolean => {
  for (let folder = from; folder.length > root.length; folder = dirname(folder))
    if (existsSync(join(folder, 'node_modules', packageOf(specifier)))) return true
  return false
}

/** Packages stay where npm has put them: some are native, and kit reaches into others. */
const leavePackages: Plugin = {
  name: 'leave packages',
  setup(bundle) {
    bundle.onResolve({ filter: /^[^./]/ }, ({ path, resolveDir, kind }) => {
      if (kind === 'entry-point' || path.startsWith('@veza/')) return undefined
      const isBuiltin = path.startsWith('node:') || builtinModules.includes(path)
      return isBuiltin || !isNested(path, resolveDir) ? { path, external: true } : undefined
    })
  },
}

/**
 * Compiles Veza's processes to plain modules, `<folder>/<process>.js` each, with what several of them share in files beside
 * them. `folder` has to be below the root of the checkout: packages are found from there.
 *
 * @throws Error that names file and line of what cannot be compiled
 */
export const bundleProcesses = async (folder: string): Promise<void> => {
  await build({
    absWorkingDir: root,
    entryPoints: processes.map(({ name, entry }) => ({ in: join(root, entry), out: name })),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    // Packages that are CommonJS and come into the bundle call it.
    banner: {
      js: "import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);",
    },
    logLevel: 'silent',
    plugins: [keepPlaces, leavePackages],
  })
}
