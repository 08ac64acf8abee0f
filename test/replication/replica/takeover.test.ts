/** A replica's part in a failover: which orders it obeys, and what it makes of answers. */
import { beforeEach, expect, it } from 'vitest';
import { encodeFailover, type FailoverMessage } from '../../../src/frame/failover.js';
import type { Holding } from '../../../src/replication/replica/holding.js';
import { Takeover } from '../../../src/replication/replica/takeover.js';
import { MemoryLog } from '../../support/virtual-cluster.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const OWN = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

let world: VirtualWorld;
let takeover: Takeover;
let held: Holding | undefined;
let deeds: string[];

beforeEach(() => {
  world = new VirtualWorld();
  deeds = [];
  held = { store: { watermarks: () => [7n, 9n] }, history: { id: OWN, base: 0n } } as unknown as Holding;
  takeover = new Takeover({
    timers: world.seams.timers,
    log: new MemoryLog(),
    place: () => ({ host: undefined, port: 7001 }),
    held: () => held,
    promote: () => {
      deeds.push('promotes itself');
      takeover.unlinked();
    },
  });
  const say = (message: FailoverMessage) =>
    'reason' in message ? `refused: ${message.reason}` : message.says;
  takeover.linked({
    send: (message) => deeds.push(say(message)),
    endWith: (message) => deeds.push(`${say(message)}, and ends`),
  });
});

function order(watermarks: readonly bigint[], { history = OWN, isForced = false } = {}): void {
  takeover.heard(encodeFailover({ says: 'order', isForced, history, watermarks }));
}

it('it promotes itself where it holds exactly what the order names', () => {
  order([7n, 9n]);
  expect(deeds).toEqual(['accepted, and ends', 'promotes itself']);
});

it.each([
  ['less', [7n, 8n], {}],
  ['more', [7n, 10n], {}],
  ['more of one and less of another shard', [8n, 8n], {}],
  ['of another number of shards', [7n], {}],
  ['of another history', [7n, 9n], { history: OTHER }],
  ['of another history, by force', [7n, 9n], { history: OTHER, isForced: true }],
])('it refuses what is %s, and stays what it is', (_what, watermarks, options) => {
  order(watermarks, options);
  expect(deeds).toEqual([expect.stringMatching(/^refused: it (does not )?hold/)]);
});

it('by force it promotes itself with what it has', () => {
  order([9n, 9n], { isForced: true });
  expect(deeds).toEqual(['accepted, and ends', 'promotes itself']);
});

it('it refuses while it is not live', () => {
  held = undefined;
  order([7n, 9n]);
  expect(deeds).toEqual(['refused: it does not follow the primary']);
});

it('who asked is answered with the order, a refusal, the end of the link, or silence', () => {
  const answers: (string | undefined)[] = [];
  const ask = () => takeover.request(1_000, (refusal) => answers.push(refusal));
  ask();
  ask();
  takeover.heard(encodeFailover({ says: 'refused', reason: 'busy' }));
  ask();
  world.run(6_001);
  ask();
  order([7n, 9n]);
  ask();
  expect(answers).toEqual([
    'the primary has been asked already',
    'busy',
    'the primary does not answer',
    undefined,
    'there is no link to a fastcache primary',
  ]);
  expect(world.pending).toBe(0);
});

it('the answer to who has left, or waits no more, is heard by nobody and is no fault', () => {
  const answers: (string | undefined)[] = [];
  const ask = () => takeover.request(1_000, (refusal) => answers.push(refusal));
  ask()();
  ask();
  takeover.heard(encodeFailover({ says: 'refused', reason: 'not in time' }));
  ask();
  world.run(6_001);
  takeover.heard(encodeFailover({ says: 'refused', reason: 'late' }));
  expect(answers).toEqual(['the primary has been asked already', 'the primary does not answer']);
  expect(() => takeover.heard(encodeFailover({ says: 'refused', reason: 'unasked' }))).toThrow();
  expect(world.pending).toBe(0);
});

it.each<FailoverMessage>([
  { says: 'accepted' },
  { says: 'refused', reason: 'nobody asked' },
  { says: 'request', timeoutMs: 1 },
])('its primary may not say "$says" unasked', (message) => {
  expect(() => takeover.heard(encodeFailover(message))).toThrow(
    expect.objectContaining({ code: 'FRAME_OUT_OF_PLACE' }),
  );
});
