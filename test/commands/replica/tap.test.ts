/** `replica follow --changes --state`, as real processes: ended in every way, and nothing is left out. */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, FastcacheProcess, repositoryRoot } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';
import { type ChangeLine, foldLines, sequencesOf, TapProcess } from '../../support/tap-process.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-tap-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = (name: string) => join(directory, `${++files}-${name}`);

let primary: FastcacheProcess;
let bind: string;
let client: Redis;

async function startPrimary(
  ...flags: string[]
): Promise<{ primary: FastcacheProcess; bind: string; client: Redis }> {
  const started = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0', ...flags]);
  const ready = await started.event('ready');
  return { primary: started, bind: String(ready.bind), client: new Redis(`redis://${ready.listen}`) };
}

beforeAll(async () => {
  ({ primary, bind, client } = await startPrimary('--shards', '2'));
  await client.mset({ 'user:1': 'ann', 'user:2': 'bob', other: 'x' });
});
afterAll(async () => {
  client.disconnect();
  await primary.kill();
});

/** Writes at a pace until `during` is through, and its own last write. */
async function whileWriting(redis: Redis, during: () => Promise<void>): Promise<void> {
  let isOver = false;
  const writing = (async () => {
    for (let count = 0; !isOver; ) {
      await Promise.all(Array.from({ length: 10 }, () => redis.set(`w:${count++ % 500}`, `${count}`)));
      await passed(5);
    }
  })();
  try {
    await during();
  } finally {
    isOver = true;
    await writing;
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function parsed(text: string): ChangeLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

async function contentOf(redis: Redis): Promise<Map<string, string>> {
  const keys = await redis.keys('*');
  const values = keys.length === 0 ? [] : await redis.mget(keys);
  return new Map(keys.map((key, index) => [key, values[index]!]));
}

describe('replica follow --changes', () => {
  it('writes nothing but changes to stdout, of the keys that it is asked for', async () => {
    const args = ['replica', 'follow', bind, '--once', '--no-listen', '--changes'];
    const all = await runCommand(args);
    expect(all.status).toBe(0);
    const lines = parsed(all.stdout);
    expect(lines[0]).toEqual({
      type: 'snapshot-begin',
      watermarks: [expect.any(String), expect.any(String)],
    });
    expect(lines).toContainEqual({ type: 'entry', key: 'user:1', value: 'ann', expireAtMs: null });
    expect(lines.at(-1)?.type).toBe('snapshot-end');
    expect(all.stderr).toContain('replica ready: follows');
    const chosen = await runCommand([...args, '--prefix', 'user:']);
    const keys = parsed(chosen.stdout).flatMap(({ key }) => key ?? []);
    expect(keys.sort()).toEqual(['user:1', 'user:2']);
  });

  it('shares stdout with events, which come behind what they tell of', async () => {
    const tap = new TapProcess(bind, ['--no-listen', '--changes']);
    await tap.event('caught-up');
    await client.set('later', 'y');
    await eventually(
      () => tap.changes.find(({ type }) => type === 'record'),
      (record) => record !== undefined,
    );
    const names = tap.lines.map(({ type, event }) => type ?? event);
    expect(names.indexOf('caught-up')).toBeGreaterThan(names.indexOf('snapshot-end'));
    expect(tap.changes.at(-1)).toMatchObject({ op: 'set', key: 'later', value: 'y', expireAtMs: null });
    expect(await tap.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('serves what it holds as well', async () => {
    const tap = new TapProcess(bind, ['--listen', ':0', '--changes']);
    const { listen } = await tap.event('ready');
    await tap.event('caught-up');
    const reader = new Redis(`redis://${listen}`);
    expect(await reader.get('user:1')).toBe('ann');
    reader.disconnect();
    await tap.kill('SIGTERM');
  });

  it('ends quietly when its reader has left', async () => {
    const tap = new TapProcess(bind, ['--no-listen', '--changes']);
    await tap.event('caught-up');
    tap.child.stdout.destroy();
    await client.set('nobody', 'reads');
    expect(await tap.exited).toEqual({ code: 0, signal: null });
    expect(tap.stderr).toBe('');
  });

  it('waits for a reader that is slow, and takes no memory meanwhile', async () => {
    const own = await startPrimary('--subscriber-bytes', '1mb', '--backlog', '2mb');
    const child = spawn(
      process.execPath,
      ['bin/run.js', 'replica', 'follow', own.bind, '--no-listen', '--changes'],
      {
        cwd: repositoryRoot,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    try {
      let stderr = '';
      child.stderr.on('data', (text) => {
        stderr += text;
      });
      await eventually(
        () => stderr,
        (text) => text.includes('caught-up'),
      );
      const value = 'v'.repeat(10_000);
      for (let round = 0; round < 60; round++) {
        await Promise.all(
          Array.from({ length: 100 }, (_, at) => own.client.set(`key:${at}`, `${round} ${value}`)),
        );
      }
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      expect(Number(resident?.[1])).toBeLessThan(160_000);
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      // The text behind the last line end is a line that is on its way.
      const changes = () => parsed(text.slice(0, text.lastIndexOf('\n') + 1));
      const expected = await contentOf(own.client);
      await eventually(
        () => isDeepStrictEqual(foldLines(changes()), expected),
        (isEqual) => isEqual,
      );
    } finally {
      child.kill('SIGKILL');
      own.client.disconnect();
      await own.primary.kill();
    }
  });
});

describe('replica follow --changes --state', () => {
  it('goes on after SIGTERM, under a writer, and neither repeats nor leaves out one', async () => {
    const state = newFile('state');
    const changes: ChangeLine[] = [];
    await whileWriting(client, async () => {
      for (let run = 0; run < 3; run++) {
        const tap = new TapProcess(bind, ['--changes', '--state', state]);
        await tap.event('caught-up');
        await passed(run * 900);
        await eventually(
          () => tap.types,
          (types) => types.includes('record'),
        );
        expect(await tap.kill('SIGTERM')).toEqual({ code: 0, signal: null });
        expect(tap.types.includes('snapshot-begin')).toBe(run === 0);
        for (const change of tap.changes) changes.push(change);
      }
    });
    const last = await runCommand(['replica', 'follow', bind, '--once', '--changes', '--state', state]);
    expect(last.status).toBe(0);
    changes.push(...parsed(last.stdout));
    for (const sequences of sequencesOf(changes).values()) {
      expect(sequences).toEqual(sequences.map((_, index) => sequences[0]! + BigInt(index)));
    }
    expect(foldLines(changes)).toEqual(await contentOf(client));
  });

  it('goes on after kill -9: the last second may come again, and nothing is left out', async () => {
    const state = newFile('state');
    const changes: ChangeLine[] = [];
    await whileWriting(client, async () => {
      for (let run = 0; run < 3; run++) {
        const tap = new TapProcess(bind, ['--changes', '--state', state]);
        await tap.event('caught-up');
        await eventually(
          () => existsSync(state),
          (isThere) => isThere,
        );
        await passed(run * 670);
        await tap.kill('SIGKILL');
        expect(tap.types.includes('snapshot-begin')).toBe(run === 0);
        for (const change of tap.changes) changes.push(change);
      }
    });
    const last = await runCommand(['replica', 'follow', bind, '--once', '--changes', '--state', state]);
    changes.push(...parsed(last.stdout));
    for (const sequences of sequencesOf(changes).values()) {
      let reached = sequences[0]! - 1n;
      let repeated = 0;
      for (const sequence of sequences) {
        expect(sequence).toBeLessThanOrEqual(reached + 1n);
        if (sequence <= reached) repeated++;
        else reached = sequence;
      }
      expect(repeated).toBeGreaterThan(0);
    }
    expect(foldLines(changes)).toEqual(await contentOf(client));
  });

  it('says why it cannot go on, and starts over', async () => {
    const own = await startPrimary('--backlog', '4kb', '--shards', '1');
    const state = newFile('state');
    const args = ['replica', 'follow', own.bind, '--once', '--changes', '--state', state];
    await own.client.set('a', '1');
    expect((await runCommand(args)).status).toBe(0);
    for (let at = 0; at < 200; at++) await own.client.set('b', `${at} ${'x'.repeat(100)}`);
    const late = await runCommand(args);
    expect(late.status).toBe(0);
    expect(late.stderr).toMatch(
      /resync +what is held cannot be continued, .*: the primary no longer keeps all that is lacking: shard 0 is to go on at \d+/,
    );
    expect(late.stdout).toContain('"type":"snapshot-end"');
    const other = await runCommand([
      'replica',
      'follow',
      bind,
      '--once',
      '--changes',
      '--json',
      '--state',
      state,
    ]);
    const events = parsed(other.stdout);
    expect(events.find(({ event }) => event === 'resync')).toMatchObject({
      reason: expect.stringMatching(
        /^the primary has the history \w{32}, and what is held is of the history \w{32}$/,
      ),
    });
    own.client.disconnect();
    await own.primary.kill();
  });

  it('refuses a state that is damaged, foreign, too big or of other outputs, and names it', async () => {
    const state = newFile('state');
    const args = ['replica', 'follow', bind, '--once', '--changes', '--state', state];
    const refused = async (pattern: RegExp, more: string[] = []) => {
      const { status, stdout, stderr } = await runCommand([...args, ...more]);
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain(`${state}: `);
      expect(stderr).toMatch(pattern);
    };
    expect((await runCommand(args)).status).toBe(0);
    await refused(/state of changes, and cannot be continued for changes and the dump d\.fcrp/, [
      '--record',
      join(directory, 'd.fcrp'),
    ]);
    const bytes = readFileSync(state);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(state, bytes);
    await refused(/damaged.*start over.*STATE_UNUSABLE/);
    writeFileSync(state, Buffer.alloc(100_000));
    await refused(/no state of a tap is of more than/);
    writeFileSync(state, 'hello');
    await refused(/damaged, or no state/);
    expect(readFileSync(state, 'utf8')).toBe('hello');
  });

  it('cannot be promoted, says so, and goes on', async () => {
    const tap = new TapProcess(bind, ['--changes', '--state', newFile('state')]);
    await tap.event('caught-up');
    tap.child.kill('SIGUSR2');
    await eventually(
      () => tap.stderr,
      (text) => text.includes('Warning: SIGUSR2: With state no content is kept'),
    );
    await client.set('behind', 'it');
    await eventually(
      () => tap.changes,
      (changes) => changes.some(({ key }) => key === 'behind'),
    );
    expect(await tap.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('refuses flags that do not go together', async () => {
    for (const flags of [
      ['--prefix', 'a'],
      ['--state', 's'],
      ['--changes', '--state', 's', '--listen', ':0'],
      ['--changes', '--state', '-'],
    ]) {
      expect((await runCommand(['replica', 'follow', bind, '--once', ...flags])).status).toBe(2);
    }
    const { status, stderr } = await runCommand([
      'replica',
      'follow',
      bind,
      '--changes',
      '--state',
      '/no/where',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('/no/where: The state cannot be written');
  });
});

describe('replica follow --record --state', () => {
  it('goes on with its dump behind the last frame that the state stands for', async () => {
    const state = newFile('state');
    const dump = newFile('dump.fcrp');
    const args = ['replica', 'follow', bind, '--once', '--record', dump, '--state', state];
    expect((await runCommand(args)).status).toBe(0);
    const bytes = statSync(dump).size;
    await client.set('recorded', 'in the second run');
    // A kill -9 leaves half a frame behind.
    appendFileSync(dump, 'FCRP half a frame');
    expect((await runCommand(args)).status).toBe(0);
    expect(statSync(dump).size).toBeGreaterThan(bytes);
    const verified = await runCommand(['frames', 'verify', dump]);
    expect(verified.stderr + verified.stdout).not.toContain('FCRP_');
    expect(verified.status).toBe(0);
    const decoded = await runCommand(['frames', 'decode', dump, '--format', 'ndjson']);
    expect(decoded.stdout.match(/"kind":"SnapshotBegin"/g)).toHaveLength(1);
    expect(decoded.stdout).toContain('in the second run');
  });

  it('survives kill -9 again and again with a dump that is whole', async () => {
    const state = newFile('state');
    const dump = newFile('dump.fcrp');
    await whileWriting(client, async () => {
      for (let run = 0; run < 3; run++) {
        // The first may be killed before it has kept a state.
        const tap = new TapProcess(bind, ['--changes', '--record', dump, '--force', '--state', state]);
        await tap.event('caught-up');
        await passed(1_100 + run * 150);
        await tap.kill('SIGKILL');
      }
    });
    const files = ['--record', dump, '--force', '--state', state];
    const args = ['replica', 'follow', bind, '--once', '--changes', ...files];
    expect((await runCommand(args)).status).toBe(0);
    expect((await runCommand(['frames', 'verify', dump])).status).toBe(0);
    const marks = async (endpoint: string) =>
      JSON.parse((await runCommand(['watermarks', endpoint, '--json'])).stdout).endpoints[0].watermarks;
    expect(await marks(dump)).toEqual(await marks(bind));
  });

  it('does not go on with another dump of the same name, and leaves that as it is', async () => {
    const state = newFile('state');
    const dump = newFile('dump.fcrp');
    const args = ['replica', 'follow', bind, '--once', '--record', dump, '--state', state];
    expect((await runCommand(args)).status).toBe(0);
    const whole = readFileSync(dump);
    for (const at of [30, whole.length - 1]) {
      const other = Buffer.concat([whole, Buffer.from('more')]);
      other[at]! ^= 1;
      writeFileSync(dump, other);
      const refused = await runCommand(args);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/The dump has other content .*STATE_UNUSABLE/);
      expect(readFileSync(dump).equals(other)).toBe(true);
    }
    writeFileSync(dump, whole);
    expect((await runCommand(args)).status).toBe(0);
  });

  it('does not go on with a dump that is gone or shorter', async () => {
    const state = newFile('state');
    const dump = newFile('dump.fcrp');
    const args = ['replica', 'follow', bind, '--once', '--record', dump, '--state', state];
    expect((await runCommand(args)).status).toBe(0);
    writeFileSync(dump, 'FCRP');
    const shorter = await runCommand(args);
    expect(shorter.status).toBe(1);
    expect(shorter.stderr).toMatch(
      /Its dump cannot be continued\. The dump is of 4 bytes .* move the state away/,
    );
    expect(readFileSync(dump, 'utf8')).toBe('FCRP');
    rmSync(dump);
    const gone = await runCommand(args);
    expect(gone.status).toBe(1);
    expect(gone.stderr).toContain('STATE_UNUSABLE');
    expect(existsSync(dump)).toBe(false);
  });
});
