/**
 * Dumps that were recorded through promotions, by real processes: on who was promoted, on a bystander below
 * it, and by a tap.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameKind } from '../../../src/frame/kinds.js';
import { FrameSplitter } from '../../../src/frame/splitter.js';
import { eventually, FastcacheProcess } from '../../support/processes.js';
import { contentOf } from '../../support/replays.js';
import { RespClient } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-promotions-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);

/** A dump as a release before this one left it: without the Hellos of its recorder. */
function withoutHellos(file: string): string {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter();
  splitter.push(readFileSync(file), ({ header, bytes }) => {
    if (header.kind !== FrameKind.Hello) frames.push(Buffer.from(bytes));
  });
  const target = `${file}.old`;
  writeFileSync(target, Buffer.concat(frames));
  return target;
}

interface Node {
  process: FastcacheProcess;
  bind: string;
  listen: string;
  dump: string;
}

async function start(command: string, name: string): Promise<Node> {
  const dump = place(`${name}.fcrp`);
  const flags = '--bind 127.0.0.1:0 --listen 127.0.0.1:0 --record';
  const process = new FastcacheProcess([...`${command} ${flags}`.split(' '), dump]);
  const { bind, listen } = await process.event('ready');
  return { process, bind: String(bind), listen: String(listen), dump };
}

async function write(to: Node, from: number, tag: string): Promise<void> {
  const client = await RespClient.connect(to.listen);
  const keys = Array.from({ length: 300 }, (_, index) => `key:${from + index}`);
  await client.pipeline([
    ...keys.map((key) => ['SET', key, `${tag} of ${key}`]),
    ...keys.slice(0, 20).map((key) => ['DEL', key]),
  ]);
  client.close();
}

const watermarksOf = async (endpoint: string): Promise<string[]> =>
  JSON.parse((await runCommand(['watermarks', endpoint, '--json'])).stdout).endpoints[0].watermarks;

/** Returns the entries that `frames state` shows, by key. */
async function stateOf(
  dump: string,
  status = 0,
): Promise<{ values: Map<string, string>; watermarks: string[] }> {
  const result = await runCommand(['frames', 'state', '--json', dump]);
  expect({ status: result.status, stderr: result.stderr }).toEqual({ status, stderr: '' });
  const { entries, watermarks } = JSON.parse(result.stdout);
  return {
    values: new Map(entries.map(({ key, value }: Record<string, string>) => [key, value])),
    watermarks,
  };
}

describe('a dump through two promotions', () => {
  /** Promoted first, promoted second, and never. */
  let nodes: Node[];
  /** The dump of a tap, which keeps no content. */
  const tapped = place('tapped.fcrp');
  /** The content of the last primary, and its watermarks. */
  let live: Map<string, string>;
  let watermarks: string[];

  beforeAll(async () => {
    const primary = await start('primary start', 'primary');
    await write(primary, 0, 'first');
    const one = await start(`replica follow ${primary.bind}`, 'one');
    const two = await start(`replica follow ${one.bind}`, 'two');
    const three = await start(`replica follow ${two.bind}`, 'three');
    nodes = [one, two, three];
    const flags = ['--state', place('tap.state'), '--record', tapped];
    const tap = new FastcacheProcess(['replica', 'follow', two.bind, ...flags]);
    await tap.event('caught-up');
    const areLevel = async (lead: Node, ...others: Node[]) => {
      const content = await contentOf(lead.listen);
      for (const { listen } of others) {
        await eventually(
          () => contentOf(listen),
          (reached) => isDeepStrictEqual(reached, content),
        );
      }
    };
    await write(primary, 200, 'second');
    await areLevel(primary, one, two, three);
    await primary.process.kill();
    one.process.child.kill('SIGUSR2');
    await one.process.event('promoted');
    await write(one, 400, 'third');
    await areLevel(one, two, three);
    await one.process.kill('SIGTERM');
    two.process.child.kill('SIGUSR2');
    await two.process.event('promoted');
    await write(two, 600, 'fourth');
    await areLevel(two, three);
    live = new Map([...(await contentOf(two.listen))].map(([key, [value]]) => [key, value]));
    watermarks = await watermarksOf(two.bind);
    await eventually(
      () => watermarksOf(tapped),
      (reached) => isDeepStrictEqual(reached, watermarks),
    );
    await tap.kill('SIGTERM');
    await three.process.kill('SIGTERM');
    await two.process.kill('SIGTERM');
  }, 180_000);

  const dumps = () => [...nodes.slice(1).map(({ dump }) => dump), tapped];

  it('is sound and loadable on who was promoted, on a bystander and by a tap, and names its histories', async () => {
    const { status, stdout } = await runCommand(['frames', 'verify', '--loadable', '--json', ...dumps()]);
    const { files } = JSON.parse(stdout);
    for (const { faults, histories, loadable } of files) {
      expect([faults, loadable]).toEqual([[], true]);
      expect(histories.map(({ continues }: { continues: boolean }) => continues)).toEqual([
        false,
        true,
        true,
      ]);
      expect(new Set(histories.map(({ history }: { history: string }) => history)).size).toBe(3);
    }
    expect(status).toBe(0);
  });

  it('leads on all to what the last primary holds, and to where that stands', async () => {
    for (const dump of dumps()) {
      const state = await stateOf(dump);
      expect(state.values).toEqual(live);
      expect(state.watermarks).toEqual(watermarks);
    }
    const { endpoints } = JSON.parse((await runCommand(['watermarks', '--json', ...dumps()])).stdout);
    for (const endpoint of endpoints) expect(endpoint.watermarks).toEqual(watermarks);
  });

  it('is loaded, compared and replayed as it is', async () => {
    const [, promoted, bystander] = nodes;
    const diff = await runCommand(['frames', 'diff', promoted!.dump, bystander!.dump, '--json']);
    expect({ status: diff.status, stderr: diff.stderr }).toEqual({ status: 0, stderr: '' });
    const loaded = await start(`primary start --load ${bystander!.dump}`, 'loaded');
    const contents = new Map([...(await contentOf(loaded.listen))].map(([key, [value]]) => [key, value]));
    expect(contents).toEqual(live);
    await loaded.process.kill('SIGTERM');
    const again = await stateOf(loaded.dump);
    expect(again.values).toEqual(live);
    const empty = await start('primary start', 'empty');
    const replayed = await runCommand(['frames', 'replay', '--to', empty.listen, promoted!.dump]);
    expect({ status: replayed.status, stderr: replayed.stderr }).toEqual({ status: 0, stderr: '' });
    const replayedTo = new Map([...(await contentOf(empty.listen))].map(([key, [value]]) => [key, value]));
    expect(replayedTo).toEqual(live);
    await empty.process.kill('SIGTERM');
  }, 120_000);

  it('is salvaged as a whole, and up to a last frame that was cut, and can be loaded then', async () => {
    for (const [index, dump] of dumps().entries()) {
      const saved = place(`saved-${index}.fcrp`);
      const whole = await runCommand(['frames', 'salvage', dump, saved]);
      expect([whole.status, whole.stderr]).toEqual([0, '']);
      expect(readFileSync(saved).equals(readFileSync(dump))).toBe(true);
      const cut = place(`cut-${index}.fcrp`);
      writeFileSync(cut, readFileSync(dump).subarray(0, -1));
      expect((await runCommand(['frames', 'salvage', '--force', cut, saved])).status).toBe(65);
      expect((await runCommand(['frames', 'verify', '--loadable', saved])).status).toBe(0);
      const { values } = await stateOf(saved);
      expect(values.size).toBeGreaterThan(live.size / 2);
    }
  }, 120_000);

  it('of a release that wrote no Hellos is said to be what it is, and leads to the same', async () => {
    for (const dump of dumps()) {
      const old = withoutHellos(dump);
      const { status, stdout } = await runCommand(['frames', 'verify', old]);
      expect(stdout).toContain('continues the one before from byte');
      expect(stdout).toContain('without saying so');
      expect(status).toBe(0);
      const result = await runCommand(['frames', 'state', old]);
      expect(result.status).toBe(0);
      expect(result.stderr).toMatch(
        /^Note: byte \d+ of .*: a history that begins behind \d+ continues the one/,
      );
      expect((await stateOf(old)).values).toEqual(live);
    }
  });
});
