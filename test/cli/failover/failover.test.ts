import { expect, it } from 'vitest';
import { runFailover } from '../../../src/cli/failover/failover.js';
import type { Output } from '../../../src/cli/terminal/output.js';
import { systemClock, systemTimers } from '../../../src/clock.js';
import { tcpTransport } from '../../../src/transport/tcp.js';
import { startWithLagging } from '../../support/lagging-pair.js';

it('shows on a terminal what is waited for and for how long, and takes that away at the end', async () => {
  const { primary } = await startWithLagging();
  const written: string[] = [];
  const lines: string[] = [];
  const called = new AbortController();
  const terminal = {
    isTTY: true,
    columns: 60,
    write(text: string) {
      written.push(text.replace('\r\u001b[2K', ''));
      if (text.includes('waits')) called.abort();
    },
  };
  const status = await runFailover({
    from: primary.listenAddress!,
    to: undefined,
    timeoutMs: 0,
    isForced: false,
    password: undefined,
    connectTimeoutMs: 10_000,
    signal: called.signal,
    transport: tcpTransport,
    clock: systemClock,
    timers: systemTimers,
    json: false,
    output: { line: async (text: string) => lines.push(text) } as unknown as Output,
    terminal: terminal as unknown as NodeJS.WriteStream,
  });
  expect(status).toBe(1);
  expect(written[0]).toMatch(/^waits for a replica that has everything \(0\.\d s\)$/);
  expect(written.at(-1)).toBe('');
  expect(lines).toEqual([
    `${primary.listenAddress} is the primary still: the failover was given up: an operator has asked for it.`,
  ]);
});
