// What the person who audits an image sees.
import { styleText } from 'node:util';
import { describePhase, type Phase } from '#core/image-document.ts';
import { formatPackageSource } from '#core/package-source.ts';
import type { Difference } from './compare-images.ts';
import type { ServedImage } from './served-image.ts';

/** Tells of each phase once, with how much there is to do. */
export function phaseReporter(progress: (text: string) => void): (phase: Phase) => void {
  let last = '';
  return ({ name, of }) => {
    const text = of === undefined ? describePhase({ name }) : `${name} ${of}`;
    if (text !== last) progress(text);
    last = text;
  };
}

/** `✓ shell/git (linux/amd64) is the same again: sha256:…` */
export function tellSame(
  image: string,
  { request, digest, revision }: ServedImage,
  output: NodeJS.WriteStream,
) {
  const mark = styleText('green', '✓', { stream: output });
  const source = `${formatPackageSource(request.source)} at ${revision}`;
  output.write(`${mark} ${named(image, request)} is the same again: ${digest}, from ${source}\n`);
}

/** Lines of one difference that are told. */
const LINES = 20;

/** `✗ shell/git (linux/amd64) differs: …`, and below it what does. */
export function tellDifferent(
  image: string,
  { request, digest }: Pick<ServedImage, 'request' | 'digest'>,
  rebuilt: string,
  differences: readonly Difference[],
  output: NodeJS.WriteStream,
): void {
  const mark = styleText('red', '✗', { stream: output });
  const lines = [`${mark} ${named(image, request)} differs: served ${digest}, rebuilt ${rebuilt}`];
  for (const { what, details } of differences) {
    lines.push(`  ${styleText('bold', what, { stream: output })}`);
    lines.push(...details.slice(0, LINES).map(detail => `    ${detail}`));
    if (details.length > LINES) lines.push(`    … and ${details.length - LINES} more`);
  }
  output.write(`${lines.join('\n')}\n`);
}

function named(image: string, { platforms }: ServedImage['request']): string {
  return `${image} (${platforms.join()})`;
}
