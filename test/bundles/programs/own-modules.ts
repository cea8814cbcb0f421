// Preloaded into the worker (`node --import`): whatever module it loads lies in the folder that it was started in. It is copied away
// from here first, and so imports nothing of the project's.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const own = `${pathToFileURL(process.cwd()).href}/`;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (resolved.url.startsWith('file:') && !resolved.url.startsWith(own)) {
      throw new Error(`ERR_ACCESS_DENIED: ${resolved.url} is not in ${own}`);
    }
    return resolved;
  },
});
