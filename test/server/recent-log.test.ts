import { expect, it } from 'vitest';
import { RecentLog } from '../../src/server/recent-log.js';
import { LOG_LINE_CHARACTERS, LOG_LINES_MAX } from '../../src/status/server-entry.js';

it('keeps the newest lines, cut to what a Status document has of them', () => {
  const recent = new RecentLog();
  for (let timeMs = 0; timeMs < 100; timeMs += 1) {
    recent.add({ timeMs, level: 'info', message: 'x'.repeat(10_000) });
  }
  expect(recent.lines.map(({ timeMs }) => timeMs)).toEqual(
    Array.from({ length: LOG_LINES_MAX }, (_, index) => 99 - index),
  );
  expect(recent.lines[0]?.message).toHaveLength(LOG_LINE_CHARACTERS);
});
