// Preloaded (`node --import`): tells, when it is asked, of which packages this process has loaded something.
import { registerHooks } from 'node:module';

const packages = new Set<string>();
const PACKAGE = /\/node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/;

registerHooks({
  load(url, context, nextLoad) {
    const name = PACKAGE.exec(url)?.groups?.['name'];
    if (name !== undefined) packages.add(name);
    return nextLoad(url, context);
  },
});

process.on('message', () => process.send?.([...packages].toSorted()));
