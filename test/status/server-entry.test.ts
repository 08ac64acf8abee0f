/** The server's part of a Status document. */
import { expect, it } from 'vitest';
import { encodeStatus, readStatus } from '../../src/status/status-payload.js';
import { replicaReport, serverEntry, statusDocument } from '../support/status-documents.js';

it('comes as it was sent, and the progress of a snapshot with it', () => {
  const server = serverEntry({
    name: 'cache-1',
    keys: 5,
    busyMs: 7,
    slow: [{ timeMs: 1, durationUs: 12_345, command: 'KEYS *', client: '10.0.0.9:1' }],
    log: [{ timeMs: 2, level: 'warn', message: 'mind this' }],
  });
  const replicas = [replicaReport({ snapshotPercent: 43 })];
  const read = readStatus(encodeStatus(statusDocument({ server, replicas })));
  expect(read.server).toEqual(server);
  expect(read.replicas[0]?.snapshotPercent).toBe(43);
});

it('is null from an older server, which does not send it', () => {
  const { server: _, ...older } = statusDocument();
  expect(readStatus(encodeStatus(older as never)).server).toBeNull();
});

it.each([
  ['a count below 0', { keys: -1 }],
  ['a level that is none', { log: [{ timeMs: 1, level: 'loud', message: '' }] }],
  ['a text that is too long', { slow: [{ timeMs: 1, durationUs: 1, command: 'x'.repeat(301), client: '' }] }],
  ['more lines than anybody shows', { log: new Array(257).fill({ timeMs: 1, level: 'info', message: '' }) }],
])('with %s is refused', (_, overrides) => {
  const payload = encodeStatus(statusDocument({ server: serverEntry(overrides as never) }));
  expect(() => readStatus(payload)).toThrow(expect.objectContaining({ code: 'FCRP_STATUS_MALFORMED' }));
});
