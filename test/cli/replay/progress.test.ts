import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ReplayProgress } from '../../../src/cli/replay/progress.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-progress-'));
afterAll(() => rmSync(directory, { recursive: true }));
const files = ['one', 'two'].map((name) => join(directory, name));
for (const file of files) writeFileSync(file, Buffer.alloc(1_000));

/** What a line shows while a replay goes on: each look is a second behind the one before. */
function shown(isTTY: boolean, dumps: string[], looks: Parameters<ReplayProgress['show']>[]): string[] {
  const written: string[] = [];
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  let nowUs = 5_000_000;
  const clock = { nowMs: () => 0, monotonicUs: () => nowUs };
  const progress = new ReplayProgress(stream as unknown as NodeJS.WriteStream, clock, dumps);
  for (const look of looks) {
    nowUs += 1_000_000;
    progress.show(...look);
    progress.show(...look);
  }
  progress.close();
  return written.map((text) => text.replace('\r\u001b[2K', ''));
}

it('shows a bar, the time that is left and the rate, of all dumps together', () => {
  const looks: Parameters<ReplayProgress['show']>[] = [
    [0, 0, 0, 500],
    [1_204, 2, 1, 0],
  ];
  expect(shown(true, files, looks)).toEqual([
    '[######..................] 25 %  0 commands  0/s',
    '[############............] 50 %  ETA 4 s  1,204 commands  1,204/s  2 refused',
    '',
  ]);
});

it('counts alone where nobody knows how much there is, and says nothing but on a terminal', () => {
  expect(shown(true, ['-'], [[7, 0, 0, 99]])).toEqual(['replaying  7 commands  7/s', '']);
  expect(shown(false, files, [[7, 0, 0, 99]])).toEqual([]);
});
