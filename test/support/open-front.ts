/**
 * Primaries of ours with a Redis port, and clients of it: all that a test opens here is closed behind that
 * test.
 */
import { afterEach } from 'vitest';
import { Primary, type PrimaryOptions } from '../../src/index.js';
import { RespClient } from './resp-client.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.close();
});

/** Has it closed behind the test. */
export function closedBehind<Opened extends { close(): unknown }>(opened: Opened): Opened {
  open.push(opened);
  return opened;
}

/** `warnings`: the warnings that it logs. */
export async function start(options: PrimaryOptions = {}): Promise<{ primary: Primary; warnings: string[] }> {
  const primary = closedBehind(await Primary.start({ bind: ':0', listen: ':0', ...options }));
  const warnings: string[] = [];
  primary.on('log', ({ message }) => warnings.push(message));
  return { primary, warnings };
}

export async function connect({ listenAddress }: { listenAddress: string | undefined }): Promise<RespClient> {
  return closedBehind(await RespClient.connect(listenAddress!));
}

/** As text, what a status or a bulk string says. */
export async function say(client: RespClient, ...args: string[]): Promise<string> {
  return String(await client.command(...args));
}
