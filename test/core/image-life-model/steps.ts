// What may happen, one step at a time, in any order.
import * as fc from 'fast-check';
import type { Failure } from '#core/failure.ts';

/** `lost`: the messages that the step sends do not arrive. Actors are taken modulo how many there are. */
export type Step =
  | { readonly do: 'time passes'; readonly ms: number }
  | { readonly do: 'the source moves'; readonly to: number }
  | { readonly do: 'read' | 'listen'; readonly client: number }
  | {
      readonly do: 'act' | 'pull' | 'queueAgain' | 'raiseAnyway';
      readonly client: number;
      readonly lost: boolean;
    }
  | { readonly do: 'wait' | 'sweep'; readonly lost: boolean }
  | { readonly do: 'lose'; readonly message: number }
  | { readonly do: 'take'; readonly worker: number; readonly message: number; readonly again: boolean }
  | { readonly do: 'claim'; readonly worker: number; readonly image: number }
  | { readonly do: WorkerStep; readonly worker: number }
  | { readonly do: 'fail'; readonly worker: number; readonly kind: Failure['kind'] }
  | { readonly do: 'meanwhile'; readonly step: Step; readonly others: Step }
  | { readonly do: 'again and again'; readonly times: number; readonly steps: readonly Step[] };

type WorkerStep =
  | 'ask'
  | 'lookAt'
  | 'find'
  | 'record'
  | 'resolve'
  | 'renew'
  | 'finish'
  | 'release'
  | 'stop'
  | 'keep'
  | 'vanish'
  | 'haunt'
  | 'worker of other settings';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Around every limit there is, one side and the other. */
const short = fc.constantFrom(1, SECOND, 9_999, 10_000, 10_001, 20 * SECOND, 30_000, 30_001);
const long = fc.constantFrom(
  59_999,
  MINUTE,
  60_001,
  5 * MINUTE + 1,
  20 * MINUTE,
  HOUR - 1,
  HOUR,
  6 * HOUR - 1,
  6 * HOUR,
  24 * HOUR,
  7 * 24 * HOUR,
);

const client = fc.nat(3);
const worker = fc.nat(2);
/** Of what is asked for: the index and its images. */
const image = fc.nat(2);
const message = fc.nat(5);
const lost = fc.boolean();
/** Records as our own code makes them. */
const PLAIN = { noNullPrototype: true } as const;

function byClient(what: 'read' | 'listen'): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant(what), client }, PLAIN);
}

function sending(...what: ('act' | 'pull' | 'queueAgain' | 'raiseAnyway')[]): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constantFrom(...what), client, lost }, PLAIN);
}

function byWorker(...what: WorkerStep[]): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constantFrom(...what), worker }, PLAIN);
}

const shortWait: fc.Arbitrary<Step> = fc.record({ do: fc.constant('time passes'), ms: short }, PLAIN);
const longWait: fc.Arbitrary<Step> = fc.record({ do: fc.constant('time passes'), ms: long }, PLAIN);
const move: fc.Arbitrary<Step> = fc.record({ do: fc.constant('the source moves'), to: fc.nat(3) }, PLAIN);
const lose: fc.Arbitrary<Step> = fc.record({ do: fc.constant('lose'), message }, PLAIN);
const wake: fc.Arbitrary<Step> = fc.record({ do: fc.constantFrom('wait', 'sweep'), lost }, PLAIN);
const take: fc.Arbitrary<Step> = fc.record(
  { do: fc.constant('take'), worker, message, again: fc.boolean() },
  PLAIN,
);
const claim: fc.Arbitrary<Step> = fc.record({ do: fc.constant('claim'), worker, image }, PLAIN);
const kinds = ['unknown_package', 'refused', 'build_failed', 'unknown_source'] as const;
const fail: fc.Arbitrary<Step> = fc.record(
  { do: fc.constant('fail'), worker, kind: fc.constantFrom(...kinds) },
  PLAIN,
);
const failBuild: fc.Arbitrary<Step> = fc.record(
  { do: fc.constant('fail'), worker, kind: fc.constantFrom('build_failed') },
  PLAIN,
);

const pulling = fc.oneof(
  { weight: 4, arbitrary: sending('pull') },
  { weight: 2, arbitrary: byClient('read') },
  { weight: 2, arbitrary: sending('act') },
  { weight: 1, arbitrary: byClient('listen') },
  { weight: 2, arbitrary: wake },
  { weight: 1, arbitrary: sending('queueAgain', 'raiseAnyway') },
);
const working = fc.oneof(
  { weight: 3, arbitrary: take },
  { weight: 3, arbitrary: claim },
  { weight: 2, arbitrary: byWorker('ask', 'lookAt') },
  { weight: 1, arbitrary: byWorker('find', 'record') },
  { weight: 2, arbitrary: byWorker('resolve') },
  { weight: 1, arbitrary: byWorker('renew', 'haunt', 'keep') },
);
const meanwhile: fc.Arbitrary<Step> = fc.record(
  {
    do: fc.constant('meanwhile'),
    step: fc.oneof(working, sending('pull'), byWorker('ask', 'finish', 'release'), fail),
    others: fc.oneof(claim, byWorker('ask', 'renew', 'finish', 'release'), fail, sending('pull')),
  },
  PLAIN,
);

/** What limits count, as often as they allow and more. */
function again(wait: fc.Arbitrary<number>, end: (worker: number) => Step[]): fc.Arbitrary<Step> {
  return fc
    .tuple(fc.integer({ min: 3, max: 7 }), client, worker, image, wait)
    .map(([times, by, who, of, ms]) => ({
      do: 'again and again',
      times,
      steps: [
        { do: 'pull', client: by, lost: true },
        { do: 'claim', worker: who, image: of },
        ...end(who),
        { do: 'time passes', ms },
      ],
    }));
}
const failing = again(fc.constantFrom(60_000, 60_001, 12 * MINUTE), who => [
  { do: 'fail', worker: who, kind: 'build_failed' },
]);
const vanishing = again(fc.constantFrom(30_000, 30_001), who => [{ do: 'vanish', worker: who }]);
const interrupted = again(fc.constantFrom(1, SECOND), who => [{ do: 'release', worker: who }]);
const stopping = again(fc.constantFrom(1, SECOND), who => [{ do: 'stop', worker: who }]);

/** An image that is served, and another that a worker is to make of it. */
function outdating(by: number, who: number, to: number): Step[] {
  return [
    { do: 'pull', client: by, lost: true },
    { do: 'claim', worker: who, image: 0 },
    { do: 'resolve', worker: who },
    { do: 'finish', worker: who },
    { do: 'time passes', ms: 6 * HOUR },
    { do: 'the source moves', to },
    { do: 'pull', client: by, lost: false },
    { do: 'take', worker: who, message: 0, again: false },
    { do: 'pull', client: by, lost: true },
    { do: 'claim', worker: who, image: 0 },
    { do: 'resolve', worker: who },
  ];
}
const outdated: fc.Arbitrary<Step> = fc
  .tuple(client, worker, fc.nat(3))
  .map(([by, who, to]) => ({ do: 'again and again', times: 2, steps: outdating(by, who, to) }));
/** It cannot be made, and is pulled soon after that, and later. */
const failedAnew: fc.Arbitrary<Step> = fc.tuple(client, worker, fc.nat(3)).map(([by, who, to]) => ({
  do: 'again and again',
  times: 1,
  steps: [
    ...outdating(by, who, to),
    { do: 'fail', worker: who, kind: 'build_failed' },
    { do: 'pull', client: by, lost: true },
    { do: 'time passes', ms: MINUTE },
    { do: 'pull', client: by, lost: true },
  ],
}));

/** One who began to wait before the source was looked at, and hears of an image made from that look, and for how long. */
const making = fc.constantFrom(SECOND, HOUR, 6 * HOUR);
const heard: fc.Arbitrary<Step> = fc.tuple(client, worker, fc.nat(3), making).map(([by, who, to, ms]) => ({
  do: 'again and again',
  times: 1,
  steps: [
    { do: 'time passes', ms: 6 * HOUR },
    { do: 'pull', client: by, lost: true },
    { do: 'claim', worker: who, image: 0 },
    { do: 'the source moves', to },
    { do: 'resolve', worker: who },
    { do: 'time passes', ms },
    { do: 'finish', worker: who },
    { do: 'listen', client: by },
    { do: 'pull', client: by, lost: true },
  ],
}));

/** How the worker of an image ends: the image is made, or cannot be, or is given back, or nobody hears of it again. */
function ending(who: number): fc.Arbitrary<Step[]> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step[]>([{ do: 'finish', worker: who }]) },
    { weight: 2, arbitrary: fail.map(step => [{ ...step, worker: who }]) },
    { weight: 1, arbitrary: fc.constant<Step[]>([{ do: 'release', worker: who }]) },
    { weight: 1, arbitrary: fc.constant<Step[]>([{ do: 'vanish', worker: who }]) },
  );
}
/**
 * An index asks for its images, which two workers make, the one or the other first; and it is left to them before, between
 * or after their ends, each of which has them look at it.
 */
const gathering: fc.Arbitrary<Step> = fc
  .record({
    by: client,
    ends: fc.tuple(ending(1), ending(2)),
    turned: fc.boolean(),
    parked: fc.nat(2),
    to: fc.nat(3),
  })
  .chain(({ by, ends: [one, two], turned, parked, to }) =>
    fc.tuple(move, shortWait).map(([moved, wait]): Step => {
      const ask: Step[] = [
        { do: 'pull', client: by, lost: true },
        { do: 'claim', worker: 0, image: 0 },
        { do: 'resolve', worker: 0 },
        { do: 'ask', worker: 0 },
        { do: 'ask', worker: 0 },
      ];
      const make = (who: number): Step[] => [
        { do: 'claim', worker: who, image: who },
        { do: 'resolve', worker: who },
      ];
      const looks: Step[] = [1, 2].flatMap(who => [
        { do: 'lookAt', worker: who },
        { do: 'resolve', worker: who },
        { do: 'finish', worker: who },
      ]);
      const rest: Step[][] = turned ? [two, looks, one, looks] : [one, looks, two, looks];
      rest.splice(parked, 0, [{ do: 'finish', worker: 0 }]);
      const between = to === 0 ? [moved] : to === 1 ? [wait] : [];
      return {
        do: 'again and again',
        times: 1,
        steps: [...ask, ...make(1), ...between, ...make(2), ...rest.flat(), { do: 'lookAt', worker: 0 }],
      };
    }),
  );

function course(...more: fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: pulling },
      { weight: 4, arbitrary: working },
      { weight: 1, arbitrary: meanwhile },
      { weight: 3, arbitrary: fc.oneof(...more) },
    ),
    { maxLength: 70, size: 'max' },
  );
}

/** Courses of events: each likes another kind of trouble, so that what needs a lot of one kind is reached too. */
export const courses: fc.Arbitrary<Step[]> = fc.oneof(
  course(gathering, gathering, gathering, shortWait, longWait, move, byWorker('finish')),
  course(gathering, gathering, vanishing, interrupted, shortWait),
  course(byWorker('finish'), move, shortWait, longWait, fail, lose, byWorker('release', 'stop', 'vanish')),
  course(
    byWorker('vanish', 'release', 'stop', 'worker of other settings'),
    vanishing,
    interrupted,
    stopping,
    shortWait,
  ),
  course(failBuild, failing, failing, longWait, shortWait, byWorker('worker of other settings')),
  course(byWorker('finish'), outdated, heard, failedAnew, fail, move, longWait),
  course(byWorker('worker of other settings'), byWorker('finish', 'vanish'), shortWait, fail),
);
