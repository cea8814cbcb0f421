// All checks, in the order in which they need each other: what is cheap first, then what builds.
import { createChecks, type Checks, type Finding } from './check.ts';
import { checkCallers } from './checks/callers.ts';
import { checkColdPull } from './checks/cold-pull.ts';
import { checkRefusals, checkUnknownPackage } from './checks/errors.ts';
import { checkFront } from './checks/front.ts';
import { checkLists } from './checks/lists.ts';
import { checkManifests } from './checks/manifests.ts';
import { checkWarmPull } from './checks/warm-pull.ts';
import type { ImageToPull } from './image.ts';
import type { Login } from './login.ts';

export interface WhatToCheck {
  /** `https://HOST/` */
  readonly base: URL;
  readonly image: ImageToPull;
  readonly login: Login | undefined;
  /** How long a build may take. Milliseconds. */
  readonly totalMs: number;
  /** Whether to use up the pulls that a caller may have in a minute, to see whose they are. */
  readonly useUpLimits: boolean;
}

/** Looks at a registry from without, as clients do. `onFinding` is told of each check as it ends. */
export async function runChecks(what: WhatToCheck, onFinding: (finding: Finding) => void): Promise<Checks> {
  const { base, image, login, totalMs, useUpLimits } = what;
  const checks = createChecks(onFinding);
  const registry = await checkFront(checks, base, login);
  if (registry === undefined) {
    checks.skip('all else', 'not looked at: there is no registry that lets us in');
    return checks;
  }
  await checkRefusals(checks, registry, image);
  const pulled = await checkColdPull(checks, registry, image, totalMs);
  if (pulled === undefined) {
    checks.skip('all that needs an image', 'not looked at: the pull failed');
    return checks;
  }
  await checkManifests(checks, registry, image, pulled);
  await checkWarmPull(checks, registry, image, pulled);
  await checkLists(checks, registry, image, pulled.digest);
  await checkUnknownPackage(checks, registry, image, totalMs);
  if (useUpLimits) await checkCallers(checks, registry, image);
  else checks.skip('limits', 'not looked at: --limits uses up the pulls of a minute, to see whose they are');
  return checks;
}
