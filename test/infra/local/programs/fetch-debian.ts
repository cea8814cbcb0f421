// Fetches the Debian package set into the folder that is named, and says when it has begun: to be killed then.
import { fetchDebianPackages } from '#local/debian-packages.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which folder?');
await fetchDebianPackages({ folder, onProgress: line => process.send?.(line) });
process.disconnect();
