/**
 * Embedded primaries and replicas, and a directory, for one test file: none outlives the test that opened it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { Primary, type PrimaryOptions, Replica, type ReplicaOptions } from '../../src/index.js';
import { RespClient } from './resp-client.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((part) => part.close()));
});

/** Closed behind the test. */
export function closesLater(part: { close(): Promise<void> }): void {
  open.push(part);
}

/** On a free port, without a Redis port unless the options ask for one. */
export async function startPrimary(options: PrimaryOptions = {}): Promise<Primary> {
  const primary = await Primary.start({ bind: ':0', listen: false, ...options });
  closesLater(primary);
  return primary;
}

/** It reconnects soon. */
export async function follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
  const replica = await Replica.follow(address, { reconnectBackoffMs: 10, ...options });
  closesLater(replica);
  return replica;
}

/** A client of the Redis port at `address`. */
export async function clientOf(address: string | undefined): Promise<RespClient> {
  const client = await RespClient.connect(address!);
  closesLater({ close: async () => client.close() });
  return client;
}

/** The fields of INFO's replication section. */
export async function infoOf(client: RespClient): Promise<Map<string, string>> {
  const text = String(await client.command('INFO', 'replication'));
  return new Map(text.split('\r\n').map((line) => line.split(/:(.*)/, 2) as [string, string]));
}

export const directory = mkdtempSync(join(tmpdir(), 'fastcache-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
