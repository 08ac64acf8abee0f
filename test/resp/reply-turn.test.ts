/** The order at the end of a turn: the frames of its writes, then its replies. */
import { expect, it } from 'vitest';
import { NOT_DURABLE } from '../../src/resp/durability.js';
import { ReplyTurn } from '../../src/resp/reply-turn.js';
import { VirtualWorld } from '../support/virtual-world.js';

function turn() {
  const world = new VirtualWorld();
  const log: string[] = [];
  const hold = { isHeld: false, answersUntilUs: Infinity, isUnsynced: false, isPutOff: false };
  const putOff: (() => void)[] = [];
  const syncs: ((isSynced: boolean) => void)[] = [];
  const changes: string[] = [];
  const replies = new ReplyTurn(world.seams.clock, world.seams.timers, {
    broadcast: () => log.push(...changes.splice(0)),
    publish: () => log.push('published'),
    answersUntilUs: () => hold.answersUntilUs,
    isHeld: () => hold.isHeld,
    durability: {
      ...NOT_DURABLE,
      get holdsReplies() {
        return hold.isUnsynced;
      },
      joins: (endTurn) => hold.isPutOff && putOff.push(endTurn) > 0,
      whenSynced: (run) => syncs.push(run),
    },
  });
  const client = (name: string) => ({
    sendReplies: () => log.push(`answered ${name}`),
    holdReplies: () => () => log.push(`answered ${name} late`),
    destroy: () => log.push(`closed ${name}`),
  });
  return { world, log, hold, putOff, syncs, changes, replies, a: client('a'), b: client('b') };
}

it('clients are answered together at the end of the turn, behind the frames of its writes', () => {
  const { world, log, replies, a, b } = turn();
  replies.add(a);
  replies.add(b);
  replies.add(a);
  expect(log).toEqual([]);
  world.run(0);
  expect(log).toEqual(['published', 'answered a', 'answered b']);
});

it('a turn that is put off ends once, later, with what came until then', () => {
  const { world, log, hold, putOff, replies, a, b } = turn();
  hold.isPutOff = true;
  replies.add(a);
  world.run(0);
  replies.add(b);
  world.run(0);
  expect([log, putOff.length]).toEqual([[], 1]);
  hold.isPutOff = false;
  putOff[0]!();
  expect(log).toEqual(['published', 'answered a', 'answered b']);
});

it('a turn that must not wait ends early, in the same order, and once', () => {
  const { world, log, replies, a, b } = turn();
  replies.add(a);
  replies.end();
  replies.add(b);
  expect(log).toEqual(['published', 'answered a']);
  world.run(0);
  expect(log).toEqual(['published', 'answered a', 'published', 'answered b']);
});

it('what has changed is broadcast first, also when nobody has replies', () => {
  const { world, log, changes, replies, a } = turn();
  changes.push('changed a key');
  replies.add(a);
  world.run(0);
  changes.push('changed another');
  replies.plan();
  world.run(0);
  expect(log).toEqual(['changed a key', 'published', 'answered a', 'changed another']);
});

it('a turn without replies publishes nothing', () => {
  const { world, log, replies } = turn();
  replies.end();
  world.run(5);
  expect(log).toEqual([]);
});

it('clients of a turn in which the process was halted are closed without an answer', () => {
  const { world, log, hold, replies, a, b } = turn();
  replies.add(a);
  hold.answersUntilUs = world.seams.clock.monotonicUs() - 1;
  world.run(0);
  hold.answersUntilUs = world.seams.clock.monotonicUs();
  replies.add(b);
  world.run(0);
  expect(log).toEqual(['published', 'closed a', 'published', 'answered b']);
});

it('a halt while clients are answered closes those that were not', () => {
  const log: string[] = [];
  const world = new VirtualWorld();
  let nowUs = 1_000_000;
  const clock = { ...world.seams.clock, monotonicUs: () => nowUs };
  const replies = new ReplyTurn(clock, world.seams.timers, {
    broadcast: () => {},
    publish: () => {},
    answersUntilUs: () => 4_000_000,
    isHeld: () => false,
    durability: NOT_DURABLE,
  });
  const client = (name: string, haltUs: number) => ({
    sendReplies: () => {
      log.push(`answered ${name}`);
      nowUs += haltUs;
    },
    holdReplies: () => () => {},
    destroy: () => log.push(`closed ${name}`),
  });
  for (const each of [client('a', 1), client('b', 6_000_000), client('c', 1)]) replies.add(each);
  world.run(0);
  expect(log).toEqual(['answered a', 'answered b', 'closed c']);
});

it('while the turn is held nothing leaves, and then everything does', () => {
  const { world, log, hold, replies, a } = turn();
  hold.isHeld = true;
  replies.add(a);
  world.run(1);
  replies.end();
  expect(log).toEqual([]);
  hold.isHeld = false;
  replies.end();
  expect(log).toEqual(['published', 'answered a']);
});

it('messages leave at the end of the turn, and gather while sending the last ones has taken long', () => {
  const world = new VirtualWorld();
  const log: string[] = [];
  let nowUs = 1_000_000;
  const clock = { ...world.seams.clock, monotonicUs: () => nowUs };
  const replies = new ReplyTurn(clock, world.seams.timers, {
    broadcast: () => {},
    publish: () => {},
    answersUntilUs: () => Infinity,
    isHeld: () => false,
    durability: NOT_DURABLE,
  });
  const listener = {
    sendReplies: () => {
      log.push('told');
      nowUs += 1_000;
    },
    holdReplies: () => () => {},
    destroy: () => {},
  };
  const client = {
    sendReplies: () => log.push('answered'),
    holdReplies: () => () => {},
    destroy: () => {},
  };
  replies.addMessages(listener);
  world.run(0);
  expect(log).toEqual(['told']);
  replies.addMessages(listener);
  replies.add(client);
  world.run(0);
  expect(log).toEqual(['told', 'answered']);
  nowUs += 2_999;
  replies.end();
  expect(log).toEqual(['told', 'answered']);
  nowUs += 1;
  world.run(3);
  expect(log).toEqual(['told', 'answered', 'told']);
});

it('clients are answered when the writes of their turn are on the disk, or else closed', () => {
  const { world, log, hold, syncs, replies, a, b } = turn();
  hold.isUnsynced = true;
  replies.add(a);
  world.run(0);
  replies.add(b);
  world.run(0);
  expect(log).toEqual(['published', 'published']);
  syncs.shift()?.(true);
  syncs.shift()?.(false);
  expect(log.slice(2)).toEqual(['answered a late', 'closed b']);
});
