// The few statistics that the figures need.

/** The value that half of the others lie below; between the two in the middle where the number is even. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` of the others lie below, interpolated between neighbours. Throws where there is none at all. */
export function percentile(values: readonly number[], percent: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  const position = ((ordered.length - 1) * percent) / 100;
  const below = ordered[Math.floor(position)];
  const above = ordered[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('there are no values');
  return below + (above - below) * (position - Math.floor(position));
}

/** How far apart the values lie: largest less smallest, as a part of the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}
