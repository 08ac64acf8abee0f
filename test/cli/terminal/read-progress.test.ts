import { expect, it } from 'vitest';
import { ReadProgress } from '../../../src/cli/terminal/read-progress.js';

const MIB = 1_048_576;

function terminal(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  return { written, stream: stream as unknown as NodeJS.WriteStream };
}

it('is a line on a terminal after the first second, and goes away', () => {
  const { written, stream } = terminal(true);
  let nowUs = 5_000_000;
  const progress = new ReadProgress(stream, { nowMs: () => 0, monotonicUs: () => nowUs }, 'verifying', '-');
  nowUs += 900_000;
  progress.read(100 * MIB);
  expect(written).toEqual([]);
  nowUs += 1_100_000;
  progress.read(200 * MIB);
  progress.read(201 * MIB);
  progress.close();
  expect(written).toEqual(['\r\u001b[2Kverifying 200 MiB, 100 MiB/s', '\r\u001b[2K']);
});

it('is nothing elsewhere', () => {
  const { written, stream } = terminal(false);
  let nowUs = 0;
  const progress = new ReadProgress(stream, { nowMs: () => 0, monotonicUs: () => nowUs }, 'verifying', '-');
  nowUs += 5_000_000;
  progress.read(MIB);
  progress.close();
  expect(written).toEqual([]);
});

it('leaves it to the reading to say that there is no such file', () => {
  const { stream } = terminal(true);
  const clock = { nowMs: () => 0, monotonicUs: () => 0 };
  for (const file of ['package.json/inside', 'absent']) {
    expect(() => new ReadProgress(stream, clock, 'verifying', file)).not.toThrow();
  }
});
