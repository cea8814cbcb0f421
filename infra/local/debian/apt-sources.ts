// Which of the machine's package sources are Debian 12's own.
import { execa } from 'execa';

export interface AptSource {
  readonly uri: string;
  readonly suite: string;
}

/** Debian 12 by its codename, and by the names that it has had since and will have. Not backports: other versions. */
const SUITE = /^(?:bookworm|(?:old){0,2}stable)(?:-updates|-security|\/updates)?$/;

/**
 * Debian's own part `main` in the sources that apt is configured with, each once. That a source is really Debian's is
 * for apt to find out, by its signature.
 */
export async function debianSources(): Promise<AptSource[]> {
  const format = '$(COMPONENT)\t$(RELEASE)\t$(REPO_URI)';
  const args = ['indextargets', '--no-release-info', '--format', format, 'Created-By: Packages'];
  const { stdout } = await execa('apt-get', args);
  return parseSources(stdout);
}

/** Parses lines of component, suite and address, separated by tabs. */
export function parseSources(lines: string): AptSource[] {
  const sources = new Map<string, AptSource>();
  for (const line of lines.split('\n')) {
    const [component, suite, uri] = line.split('\t');
    if (component !== 'main' || suite === undefined || uri === undefined) continue;
    if (SUITE.test(suite) && !uri.startsWith('cdrom:')) sources.set(`${uri} ${suite}`, { uri, suite });
  }
  return [...sources.values()];
}
