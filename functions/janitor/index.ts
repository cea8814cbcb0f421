// Entry of the Cloud Function "janitor": run by a message on the topic "maintenance", which Cloud Scheduler sends.
import type { CloudEvent } from '@google-cloud/functions-framework';
import { imageSettingsOf } from '#core/google/deployment-settings.ts';
import { createLog } from '#core/google/log.ts';
import { settingsDigest } from '#core/image-settings.ts';
import { startOrExit } from '../start-or-exit.ts';
import { asksForDryRun } from './message.ts';
import { openJanitor } from './open-janitor.ts';
import { readJanitorSettings } from './settings.ts';
import { sweepUnclaimedBuilds } from './unclaimed-builds.ts';

const log = createLog('janitor');

/**
 * How long one run takes, about. Messages come about once a minute, and Pub/Sub delivers one again whose function has not
 * answered for longer: two at once do no harm, and no good. Milliseconds.
 */
const RUN_LIMIT_MS = 45_000;

/** A CloudEvent handler. */
export const janitor: (event: CloudEvent<unknown>) => Promise<void> = startOrExit(log, () => {
  const settings = readJanitorSettings(process.env);
  const { images, hints, machine, refreshPopular, collect } = openJanitor(settings, log);
  const ofThisDeployment = settingsDigest(imageSettingsOf(settings));

  async function hintAgain(): Promise<void> {
    const hinted = await sweepUnclaimedBuilds({ images, hints, settings: ofThisDeployment, log });
    if (hinted === 0) return;
    log.info({ hinted }, 'builds that were left alone have their hints again');
    await machine.wake();
  }

  async function refresh(dryRun: boolean): Promise<void> {
    const refreshes = await refreshPopular({ dryRun });
    // Not for a look at a source: a deployment that nobody uses would have its machine run several times a day.
    if (!dryRun && refreshes.queuedImages > 0) await machine.wake();
    log.info({ dryRun, ...refreshes }, 'the most used images were looked through');
  }

  async function collectUntil(end: number, dryRun: boolean): Promise<void> {
    const reports = await collect({ dryRun, limitMs: Math.max(0, end - performance.now()) });
    const told = reports.filter(({ state, counts }) => state !== 'resting' && Object.keys(counts).length > 0);
    const sweeps = Object.fromEntries(told.map(({ sweep, state, counts }) => [sweep, { state, ...counts }]));
    if (told.length > 0 || dryRun) log.info({ sweeps }, dryRun ? 'a dry run of the janitor' : 'collected');
    for (const { sweep } of reports.filter(({ state }) => state === 'waiting')) {
      log.warn(
        { sweep },
        'nothing was collected here: not every manifest is known by the blobs that it names',
      );
    }
  }

  return async ({ data }) => {
    const end = performance.now() + RUN_LIMIT_MS;
    const dryRun = settings.DERIVERY_JANITOR_DRY_RUN || asksForDryRun(data);
    if (!dryRun) await orLater('builds that were left alone', hintAgain);
    await orLater('the most used images', () => refresh(dryRun));
    await orLater('what is over', () => collectUntil(end, dryRun));
  };
});

/** What goes wrong in one part is no reason to leave the others. The next run, in a minute, tries again. */
async function orLater(what: string, part: () => Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    log.error({ error, what }, 'a part of the janitor failed; the next run tries again');
  }
}
