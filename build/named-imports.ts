// `const { PubSub } = await import('…')` of a CommonJS package: Node reads the names from its text; what esbuild makes of it has a
// default export and nothing else. So each package that is imported dynamically gets a module before it that names what Node finds.
import { isBuiltin } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { byCodeUnits } from '#core/order.ts';

const NAMESPACE = 'named-imports';

/** `packages` are those that stay outside: Node does it there. */
export function namedImports(packages: readonly string[]): Plugin {
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, async ({ path, importer, resolveDir, kind, namespace }) => {
        if (kind !== 'dynamic-import' || namespace === NAMESPACE) return undefined;
        if (isBuiltin(path) || packages.includes(path)) return undefined;
        const { path: file, errors } = await build.resolve(path, {
          kind,
          importer,
          resolveDir,
          namespace: NAMESPACE,
        });
        return errors.length > 0
          ? { errors }
          : { path, namespace: NAMESPACE, pluginData: { file, resolveDir } };
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ pluginData }) => {
        const { file, resolveDir } = pluginData as { file: string; resolveDir: string };
        const found = Object.keys((await import(pathToFileURL(file).href)) as object);
        const names = found.filter(name => name !== 'module.exports').sort(byCodeUnits);
        return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(file)};`, resolveDir };
      });
    },
  };
}
