/** The conditions of a server in this process behind every hostile act. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, vi } from 'vitest';
import { RespClient } from './resp-client.js';

const GROWTH_MAX_BYTES = 64 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that this process uses once its garbage is collected. */
export function settledBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Checks that a server answers its clients, and that memory is as small as it was `before`, or nearly. */
export async function staysWell(
  { listenAddress }: { listenAddress: string | undefined },
  before: number,
): Promise<void> {
  const client = await RespClient.connect(listenAddress!);
  expect(await client.command('PING')).toBe('+PONG');
  client.close();
  // Buffers that the collector has found dead are freed behind it, on another thread.
  await vi.waitFor(() => expect(settledBytes() - before).toBeLessThan(GROWTH_MAX_BYTES), { timeout: 20_000 });
}
