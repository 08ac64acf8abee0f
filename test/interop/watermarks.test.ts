/**
 * `watermarks` where the crate takes part: its primary tells its watermarks alone, its replica acknowledges
 * nothing.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, LineProcess } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';
import { RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';
import { Wiretap } from '../support/wiretap.js';

describeWith(rustPeer, 'watermarks of a Rust primary', () => {
  let primary: RustPrimary;
  beforeAll(async () => {
    primary = await RustPrimary.start({ shards: 4 });
    for (const key of ['a', 'b', 'c']) await primary.set(key, 'value');
  });
  afterAll(() => primary.kill());

  it('come with a warning of what the question costs', async () => {
    const { status, stdout, stderr } = await runCommand(['watermarks', primary.address]);
    expect(status).toBe(0);
    expect(stdout).toContain('history not known');
    expect(stderr).toContain('each question takes one of its replica slots');
  });

  it('are watched over one connection, and follow what is written', async () => {
    const tap = await Wiretap.start(primary.address);
    const watch = new LineProcess(process.execPath, [
      'bin/run.js',
      'watermarks',
      tap.address,
      '--watch',
      '0.2',
      '--json',
    ]);
    const seen = async (watermarks: readonly bigint[]) => {
      await watch.nextLine((line) => String(JSON.parse(line).endpoints[0].watermarks) === String(watermarks));
    };
    await seen(await primary.watermarks());
    for (let round = 0; round < 3; round += 1) {
      await primary.startFill(round * 1_000, (round + 1) * 1_000, 64);
      await primary.filled();
      // Records that wait in a batch are out within a millisecond.
      await seen(
        await eventually(
          () => primary.watermarks(),
          (own) => own.reduce((sum, watermark) => sum + watermark) === BigInt(3 + (round + 1) * 1_000),
        ),
      );
    }
    expect(await watch.kill('SIGINT')).toEqual({ code: 0, signal: null });
    expect(tap.sent.Hello).toBe(1);
    expect(watch.stderr.match(/Warning/g)).toHaveLength(1);
    await tap.close();
  });

  it('are UNKNOWN to --check, and no answer to --wait', async () => {
    const check = await runCommand(['watermarks', primary.address, '--check']);
    expect(check.status).toBe(3);
    expect(check.stdout).toContain('a Rust primary does not tell of its replicas');
    const wait = await runCommand(['watermarks', primary.address, '--wait', '--timeout', '5']);
    expect(wait.status).toBe(1);
    expect(wait.stderr).toContain('STATUS_NOT_TOLD');
  });
});

describeWith(rustPeer, 'watermarks of a Rust replica', () => {
  it('are what it was sent, and say so', async () => {
    const primary = await Primary.start({ bind: ':0', listen: false });
    for (let index = 0; index < 100; index += 1) primary.set(`key:${index}`, 'value');
    primary.flush();
    const replica = await RustReplica.start(primary.bindAddress);
    await replica.reached(primary.watermarks());
    const { stdout } = await runCommand(['watermarks', primary.bindAddress]);
    expect(stdout).toMatch(/live +~0 +~0 [\s\S]*^~ acknowledges nothing: counted from what it was sent$/m);
    const wait = await runCommand(['watermarks', primary.bindAddress, '--wait', '--timeout', '5']);
    expect(wait.status).toBe(0);
    expect(wait.stderr).toContain('acknowledges nothing: what it was sent counts');
    expect((await runCommand(['watermarks', primary.bindAddress, '--check'])).status).toBe(0);
    await replica.kill();
    await primary.close();
  });
});
