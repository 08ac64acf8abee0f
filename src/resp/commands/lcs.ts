/**
 * LCS, the longest common subsequence of two values. It uses Redis' table, so that it finds the same one of
 * several.
 */

import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, MapReply, type Reply } from '../reply.js';

/** The command LCS. */
export const lcsCommands: readonly Command[] = [
  {
    name: 'lcs',
    arity: -3,
    flags: ['readonly'],
    keys: [1, 2, 1],
    categories: ['read', 'string', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [1, 1, 0] }],
    since: '7.0.0',
    group: 'string',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    summary: 'Find longest common substring',
    run: lcs,
  },
];

/** A run of bytes that both values have: its start in each, and its length. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

const EMPTY = Buffer.alloc(0);

function lcs({ args, host }: Call): Reply {
  let wantsMatches = false;
  let wantsLength = false;
  let withMatchLength = false;
  let leastLength = 0n;
  for (let index = 3; index < args.length; index++) {
    const word = wordOf(args, index);
    if (word === 'idx') wantsMatches = true;
    else if (word === 'len') wantsLength = true;
    else if (word === 'withmatchlen') withMatchLength = true;
    else if (word === 'minmatchlen' && index + 1 < args.length) {
      const least = parseInt64(args[++index]!);
      if (least === undefined) return NOT_AN_INTEGER;
      leastLength = least;
    } else return SYNTAX_ERROR;
  }
  if (wantsLength && wantsMatches) {
    return new Failure('ERR If you want both the length and indexes, please just use IDX.');
  }
  const engine = host.engine();
  const cells = ((engine.values.length(args[1]!) ?? 0) + 1) * ((engine.values.length(args[2]!) ?? 0) + 1);
  if (4 * cells > host.settings.maxValueBytes) {
    return new Failure('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  }
  const a = engine.get(args[1]!) ?? EMPTY;
  const b = engine.get(args[2]!) ?? EMPTY;
  const table = lengthsOf(a, b);
  const length = table[table.length - 1]!;
  if (wantsLength) return length;
  const matches = matchesOf(a, b, table);
  if (!wantsMatches) {
    return Buffer.concat(matches.reverse().map((match) => a.subarray(match.a, match.a + match.length)));
  }
  const shown = matches
    .filter((match) => BigInt(match.length) >= leastLength)
    .map((match) => {
      const ends = [match.a, match.b].map((start) => [start, start + match.length - 1]);
      return withMatchLength ? [...ends, match.length] : ends;
    });
  return new MapReply([
    ['matches', shown],
    ['len', length],
  ]);
}

type Table = Uint16Array | Uint32Array;

/**
 * The table: for the first bytes of `a` (rows) and of `b` (columns), their longest common subsequence's
 * length, in cells of two bytes where that is enough.
 */
function lengthsOf(a: Buffer, b: Buffer): Table {
  const width = b.length + 1;
  const cells = (a.length + 1) * width;
  const isNarrow = Math.min(a.length, b.length) < 2 ** 16;
  const table = isNarrow ? new Uint16Array(cells) : new Uint32Array(cells);
  for (let i = 1; i <= a.length; i++) fillRow(table, i * width, width, a[i - 1]!, b);
  return table;
}

/** Fills the row at `start` from the one above; what is to the left and above stays in registers. */
function fillRow(table: Table, start: number, width: number, byte: number, b: Buffer): void {
  let left = 0;
  let diagonal = 0;
  let at = start + 1;
  for (let j = 0; j < b.length; j++, at++) {
    const above = table[at - width]!;
    if (byte === b[j]) left = diagonal + 1;
    else if (above > left) left = above;
    diagonal = above;
    table[at] = left;
  }
}

/** The runs of one longest common subsequence, the last one first. */
function matchesOf(a: Buffer, b: Buffer, table: Table): Match[] {
  const width = b.length + 1;
  const matches: Match[] = [];
  let i = a.length;
  let j = b.length;
  let run = 0;
  const endRun = () => {
    if (run > 0) matches.push({ a: i, b: j, length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      run += 1;
      i -= 1;
      j -= 1;
      continue;
    }
    endRun();
    const at = i * width + j;
    if (table[at - width]! > table[at - 1]!) i -= 1;
    else j -= 1;
  }
  endRun();
  return matches;
}
