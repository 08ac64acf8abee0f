/** Runs `frames diff` in this process. */
import { Writable } from 'node:stream';
import { type DiffInvocation, runDiff } from '../../src/cli/frames/diff.js';
import { Output } from '../../src/cli/terminal/output.js';
import { systemSeams } from '../../src/clock.js';
import { tcpTransport } from '../../src/transport/tcp.js';

/** The command's defaults, but for `options`. */
export async function diff(before: string, after: string, options: Partial<DiffInvocation> = {}) {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const status = await runDiff({
    ...systemSeams,
    before,
    after,
    format: 'text',
    values: 'text',
    token: undefined,
    transport: tcpTransport,
    output: new Output(stream),
    terminal: process.stderr,
    ...options,
  });
  return { status, text };
}
