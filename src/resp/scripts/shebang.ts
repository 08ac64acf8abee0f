/** A script's first line, which may name its engine and flags: `#!lua flags=no-writes,allow-stale`. */
import { Failure } from '../reply.js';
import type { ScriptFlags } from '../script-host.js';

const UNDECLARED: ScriptFlags = {
  isDeclared: false,
  mayWrite: true,
  allowsOutOfMemory: false,
  allowsStale: false,
};

const FLAGS = ['no-writes', 'allow-oom', 'allow-stale', 'no-cluster', 'allow-cross-slot-keys'];

/** A script's flags, and its text without the first line (but with that line's end, so that lines count). */
export function readShebang(body: Buffer): { flags: ScriptFlags; text: Buffer } | Failure {
  if (body.toString('latin1', 0, 2) !== '#!') return { flags: UNDECLARED, text: body };
  const end = body.indexOf('\n');
  if (end === -1) return new Failure('ERR Invalid script shebang');
  const [engine = '', ...options] = body.toString('latin1', 0, end).trim().split(/ +/);
  if (engine !== '#!lua') return new Failure(`ERR Unexpected engine in script shebang: ${engine}`);
  const flags = new Set<string>();
  for (const option of options) {
    const list = /^flags=(.*)$/.exec(option)?.[1];
    if (list === undefined) return new Failure(`ERR Unknown lua shebang option: ${option}`);
    for (const flag of list.split(',').filter((word) => word !== '')) {
      if (!FLAGS.includes(flag)) return new Failure(`ERR Unexpected flag in script shebang: ${flag}`);
      flags.add(flag);
    }
  }
  return {
    flags: {
      isDeclared: true,
      mayWrite: !flags.has('no-writes'),
      allowsOutOfMemory: flags.has('allow-oom') || flags.has('no-writes'),
      allowsStale: flags.has('allow-stale'),
    },
    text: body.subarray(end),
  };
}
