import { invalid, unsupported } from './errors.ts';
import type * as wire from './wire.ts';

/** Counts, by alias. */
export type Aggregate = (results: number) => wire.Fields;

/** @throws INVALID_ARGUMENT, UNIMPLEMENTED for anything but counts */
export function parseAggregations(aggregations: readonly wire.Aggregation[]): Aggregate {
  if (aggregations.length === 0) invalid('Aggregations can not be empty.');
  const counts = aggregations.map(({ alias, operator, count }, index) => {
    if (operator === undefined) invalid('Operator field in Aggregation is not set.');
    if (operator !== 'count') unsupported(`the aggregation ${operator}`);
    const upTo = count?.upTo ? Number(count.upTo.value ?? 0) : Infinity;
    if (upTo < 0) invalid('The `up_to` value in a COUNT aggregation must be greater than or equal to zero.');
    return { alias: alias ?? `field_${index + 1}`, upTo };
  });
  if (new Set(counts.map(({ alias }) => alias)).size < counts.length) {
    invalid('Aggregation aliases contain duplicate alias.');
  }
  return results =>
    Object.fromEntries(
      counts.map(({ alias, upTo }) => [
        alias,
        { valueType: 'integerValue', integerValue: String(Math.min(results, upTo)) },
      ]),
    );
}
