/** EVAL, EVALSHA, their read-only forms, and SCRIPT. */
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, NOT_AN_INTEGER } from '../command.js';
import { withHelp } from '../container-help.js';
import type { Later } from '../later.js';
import { Failure, OK, type Reply } from '../reply.js';
import type { CachedScript, ScriptRunning } from '../script-host.js';
import { readShebang } from '../scripts/shebang.js';

const NO_SCRIPT = new Failure('NOSCRIPT No matching script. Please use EVAL.');
const SHA_DIGITS = 40;

const ANY_WRITE = 'We cannot tell how the keys will be used so we assume the worst, RW and UPDATE';
const ANY_READ = 'We cannot tell how the keys will be used so we assume the worst, RO and ACCESS';
const KEYS = { index: 2, keyNumber: [0, 1, 1] } as const;
const writes = { ...KEYS, flags: ['RW', 'access', 'update'] } as const;
const reads = { ...KEYS, flags: ['RO', 'access'] } as const;

const evaluation = {
  arity: -3,
  flags: ['noscript', 'stale', 'skip_monitor', 'no_mandatory_keys', 'movablekeys'],
  keys: NO_KEYS,
  categories: ['slow', 'scripting'],
  since: '2.6.0',
  group: 'scripting',
  complexity: 'Depends on the script that is executed.',
  summary: 'Execute a Lua script server side',
} as const;
const readOnly = {
  flags: ['readonly', ...evaluation.flags],
  since: '7.0.0',
  summary: 'Execute a read-only Lua script server side',
} as const;

const container = { keys: NO_KEYS, categories: ['slow', 'scripting'], group: 'scripting' } as const;

/** The commands of scripts. */
export const scriptCommands: readonly Command[] = [
  {
    ...evaluation,
    name: 'eval',
    keySpecs: [{ ...writes, notes: ANY_WRITE }],
    mayReplicate: ([, body]) => {
      const script = readShebang(body!);
      return script instanceof Failure || script.flags.mayWrite;
    },
    run: (call) => evaluate(call, false),
  },
  {
    ...evaluation,
    name: 'evalsha',
    keySpecs: [writes],
    mayReplicate: (args, { scripts }) => scripts.runner?.find(wordOf(args, 1))?.flags.mayWrite ?? true,
    run: (call) => evaluateBySha(call, false),
  },
  {
    ...evaluation,
    ...readOnly,
    name: 'eval_ro',
    keySpecs: [{ ...reads, notes: ANY_READ }],
    run: (call) => evaluate(call, true),
  },
  {
    ...evaluation,
    ...readOnly,
    name: 'evalsha_ro',
    keySpecs: [reads],
    run: (call) => evaluateBySha(call, true),
  },
  {
    ...container,
    name: 'script',
    arity: -2,
    flags: [],
    categories: ['slow'],
    since: '2.6.0',
    complexity: 'Depends on subcommand.',
    summary: 'A container for Lua scripts management commands',
    subcommands: withHelp(
      { container: 'script', since: '5.0.0', group: 'scripting', categories: container.categories },
      [
        {
          ...container,
          name: 'exists',
          arity: -3,
          flags: ['noscript'],
          tips: ['request_policy:all_shards', 'response_policy:agg_logical_and'],
          since: '2.6.0',
          complexity:
            'O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).',
          summary: 'Check existence of scripts in the script cache.',
          help: [
            'EXISTS <sha1> [<sha1> ...]',
            '    Return information about the existence of the scripts in the script cache.',
          ],
          run: (call) => call.args.slice(2).map((_, at) => (found(call, at + 2) === undefined ? 0 : 1)),
        },
        {
          ...container,
          name: 'flush',
          arity: -2,
          flags: ['noscript'],
          tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
          since: '2.6.0',
          complexity: 'O(N) with N being the number of scripts in cache',
          summary: 'Remove all the scripts from the script cache.',
          history: [['6.2.0', 'Added the `ASYNC` and `SYNC` flushing mode modifiers.']],
          help: [
            'FLUSH [ASYNC|SYNC]',
            '    Flush the Lua scripts cache. Very dangerous on replicas.',
            '    When called without the optional mode argument, the behavior is determined by the',
            '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
            '    * ASYNC: Asynchronously flush the scripts cache.',
            '    * SYNC: Synchronously flush the scripts cache.',
          ],
          run: flush,
        },
        {
          ...container,
          name: 'kill',
          arity: 2,
          flags: ['noscript', 'allow_busy'],
          tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
          since: '2.6.0',
          complexity: 'O(1)',
          summary: 'Kill the script currently in execution.',
          help: ['KILL', '    Kill the currently executing Lua script.'],
          run: (call) => runnerOf(call).kill() ?? OK,
        },
        {
          ...container,
          name: 'load',
          arity: 3,
          flags: ['noscript', 'stale'],
          tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
          since: '2.6.0',
          complexity: 'O(N) with N being the length in bytes of the script body.',
          summary: 'Load the specified Lua script into the script cache.',
          help: ['LOAD <script>', '    Load a script into the scripts cache without executing it.'],
          run: (call) => {
            const script = runnerOf(call).load(call.args[2]!);
            return script instanceof Failure ? script : script.sha;
          },
        },
      ],
    ),
  },
];

/** The part that runs scripts; the gate lets no command of scripts through before it is loaded. */
function runnerOf({ host }: Call): ScriptRunning {
  return host.scripts.runner!;
}

function found(call: Call, at: number): CachedScript | undefined {
  return runnerOf(call).find(wordOf(call.args, at));
}

function evaluate(call: Call, isReadOnly: boolean): Reply | Later {
  return keyCountFault(call.args) ?? run(call, runnerOf(call).evaluated(call.args[1]!), isReadOnly);
}

function evaluateBySha(call: Call, isReadOnly: boolean): Reply | Later {
  if (call.args[1]!.length !== SHA_DIGITS) return NO_SCRIPT;
  return keyCountFault(call.args) ?? run(call, found(call, 1) ?? NO_SCRIPT, isReadOnly);
}

function keyCountFault(args: readonly Buffer[]): Failure | undefined {
  const count = parseInt64(args[2]!);
  if (count === undefined) return NOT_AN_INTEGER;
  if (count > BigInt(args.length - 3)) {
    return new Failure("ERR Number of keys can't be greater than number of args");
  }
  return count < 0n ? new Failure("ERR Number of keys can't be negative") : undefined;
}

function run(call: Call, script: CachedScript | Failure, isReadOnly: boolean): Reply | Later {
  if (script instanceof Failure) return script;
  const { args, client } = call;
  const keysEnd = 3 + Number(args[2]!.toString('latin1'));
  const keys = args.slice(3, keysEnd);
  return runnerOf(call).run({ script, keys, args: args.slice(keysEnd), isReadOnly, caller: client });
}

function flush(call: Call): Reply {
  const { args } = call;
  const hasMode = args.length === 3 && ['sync', 'async'].includes(wordOf(args, 2));
  if (args.length > 2 && !hasMode) return new Failure('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
  runnerOf(call).flush();
  return OK;
}
