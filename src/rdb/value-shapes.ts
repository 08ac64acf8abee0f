/**
 * The shapes of the values of each type, and of the other parts of an RDB file: enough to walk over them
 * without reading them (docs/redis.md, "Coming from Redis").
 */

/**
 * One part of a value. A number is so many bytes; `score` is a number as text behind its length; `each` is a
 * count and so many times what it has; `module` is a row of what a module wrote, each behind its sort.
 */
export type Part = number | 'string' | 'length' | 'score' | 'module' | { readonly each: Shape };

/** The parts of a value, in their order. */
export type Shape = readonly Part[];

const STRINGS: Shape = [{ each: ['string'] }];
const PAIRS: Shape = [{ each: ['string', 'string'] }];
const ONE_STRING: Shape = ['string'];

/** A stream id as such, and within an entry that waits for its acknowledgement. */
const ID: Shape = ['length', 'length'];
const RAW_ID_BYTES = 16;
const TIME_BYTES = 8;

/**
 * A stream's blocks, its length, ids and groups; `counts` are the fields of entries that later versions have,
 * `times` those of consumers.
 */
function stream(more: { ids: Shape; counts: Shape; times: Shape }): Shape {
  const waiting: Part = { each: [RAW_ID_BYTES, TIME_BYTES, 'length'] };
  const consumers: Part = { each: ['string', TIME_BYTES, ...more.times, { each: [RAW_ID_BYTES] }] };
  return [
    { each: ['string', 'string'] },
    'length',
    ...ID,
    ...more.ids,
    { each: ['string', ...ID, ...more.counts, waiting, consumers] },
  ];
}

const LATER_IDS: Shape = [...ID, ...ID, 'length'];

/** The shape of a value by its type's number. */
export const valueShapes: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [0, ONE_STRING],
  [1, STRINGS],
  [2, STRINGS],
  [3, [{ each: ['string', 'score'] }]],
  [4, PAIRS],
  [5, [{ each: ['string', 8] }]],
  [7, ['length', 'module']],
  ...[9, 10, 11, 12, 13].map((type) => [type, ONE_STRING] as const),
  [14, STRINGS],
  [15, stream({ ids: [], counts: [], times: [] })],
  [16, ONE_STRING],
  [17, ONE_STRING],
  [18, [{ each: ['length', 'string'] }]],
  [19, stream({ ids: LATER_IDS, counts: ['length'], times: [] })],
  [20, ONE_STRING],
  [21, stream({ ids: LATER_IDS, counts: ['length'], times: [TIME_BYTES] })],
  [22, [{ each: ['length', 'string', 'string'] }]],
  [23, ONE_STRING],
  [24, [TIME_BYTES, { each: ['length', 'string', 'string'] }]],
  [25, [TIME_BYTES, 'string']],
]);

/** The end of a file. */
export const EOF_CODE = 255;
/** A database is selected, whose number follows. */
export const SELECT_CODE = 254;
/** A library of functions. */
export const FUNCTION_CODE = 245;

/**
 * The shape of what stands between keys, by its code: sizes of slots and tables, functions, fields,
 * expiries.
 */
export const codeShapes: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [244, ['length', 'length', 'length']],
  [FUNCTION_CODE, ONE_STRING],
  [247, ['length', 'length', 'length', 'module']],
  [248, ['length']],
  [249, [1]],
  [250, ['string', 'string']],
  [251, ['length', 'length']],
  [252, [8]],
  [253, [4]],
]);
