import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ReplayProgressLine } from '../../../src/cli/replay/progress.js';
import type { ReplayProgress } from '../../../src/replay/walk.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-progress-'));
afterAll(() => rmSync(directory, { recursive: true }));
const files = ['one', 'two'].map((name) => join(directory, name));
for (const file of files) writeFileSync(file, Buffer.alloc(1_000));

/** Returns the texts of the line while a replay goes on: each look is a second behind the one before. */
function shown(isTTY: boolean, dumps: string[], looks: ReplayProgress[]): string[] {
  const written: string[] = [];
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  let nowUs = 5_000_000;
  const clock = { nowMs: () => 0, monotonicUs: () => nowUs };
  const progress = new ReplayProgressLine(stream as unknown as NodeJS.WriteStream, clock, dumps);
  for (const look of looks) {
    nowUs += 1_000_000;
    progress.show(look);
    progress.show(look);
  }
  progress.close();
  return written.map((text) => text.replace('\r\u001b[2K', ''));
}

it('shows a bar, the time that is left and the rate, of all dumps together', () => {
  const looks = [
    { answered: 0, refused: 0, fileIndex: 0, offset: 500 },
    { answered: 1_204, refused: 2, fileIndex: 1, offset: 0 },
  ];
  expect(shown(true, files, looks)).toEqual([
    '[######..................] 25 %  0 commands  0/s',
    '[############............] 50 %  ETA 4 s  1,204 commands  1,204/s  2 refused',
    '',
  ]);
});

it('counts alone where nobody knows how much there is, and says nothing but on a terminal', () => {
  const look = { answered: 7, refused: 0, fileIndex: 0, offset: 99 };
  expect(shown(true, ['-'], [look])).toEqual(['replaying  7 commands  7/s', '']);
  expect(shown(false, files, [look])).toEqual([]);
});
