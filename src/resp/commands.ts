/** The commands that run outside the kernel: rare, or about the connection and the server. */
import { array, bulk, errorReply, integer, simpleString } from './replies.js';

/** What a command may know of its client. */
export interface ClientState {
  readonly id: number;
  name: string;
  /** Set by QUIT: the reply is the last. */
  leaves: boolean;
}

/** What a command may know of the server; `status/info.ts` renders INFO. */
export interface ServerFace {
  info(sections: readonly string[]): string;
  keyCount(): number;
  nowMs(): number;
  version: string;
  role: 'master' | 'replica';
}

interface Command {
  /** Redis' arity: the exact count of arguments with the name, or when negative the least. */
  arity: number;
  run(args: Buffer[], client: ClientState, server: ServerFace): Buffer;
}

const OK = simpleString('OK');

const commands: Record<string, Command> = {
  ping: {
    arity: -1,
    run: (args) => {
      if (args.length > 2) return wrongArity('ping');
      return args.length === 2 ? bulk(args[1]!) : simpleString('PONG');
    },
  },
  echo: { arity: 2, run: (args) => bulk(args[1]!) },
  quit: {
    arity: -1,
    run: (_args, client) => {
      client.leaves = true;
      return OK;
    },
  },
  select: { arity: 2, run: select },
  hello: { arity: -1, run: hello },
  client: { arity: -2, run: client },
  command: { arity: -1, run: (args) => (word(args, 1) === 'count' ? integer(0) : array([])) },
  config: { arity: -2, run: config },
  info: {
    arity: -1,
    run: (args, _client, server) =>
      bulk(server.info(args.slice(1).map((arg) => arg.toString('latin1').toLowerCase()))),
  },
  dbsize: { arity: 1, run: (_args, _client, server) => integer(server.keyCount()) },
  time: {
    arity: 1,
    run: (_args, _client, server) => {
      const nowMs = server.nowMs();
      return array([bulk(String(Math.floor(nowMs / 1000))), bulk(String((nowMs % 1000) * 1000))]);
    },
  },
};

/** Runs a command that the kernel handed out; returns its reply. */
export function runRareCommand(args: Buffer[], client: ClientState, server: ServerFace): Buffer {
  const name = word(args, 0);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return unknownCommand(args);
  const { arity } = command;
  if (arity >= 0 ? args.length !== arity : args.length < -arity) return wrongArity(name);
  return command.run(args, client, server);
}

function word(args: Buffer[], index: number): string {
  return args[index]?.toString('latin1').toLowerCase() ?? '';
}

/** There is database 0 alone; the errors are those of Redis' reading of an int. */
function select(args: Buffer[]): Buffer {
  const text = args[1]!.toString('latin1');
  const index = /^(0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : undefined;
  if (index === undefined || BigInt.asIntN(64, index) !== index) {
    return errorReply('ERR value is not an integer or out of range');
  }
  if (BigInt.asIntN(32, index) !== index) {
    return errorReply('ERR value is out of range, value must between -2147483648 and 2147483647');
  }
  return index === 0n ? OK : errorReply('ERR DB index is out of range');
}

function hello(args: Buffer[], client: ClientState, server: ServerFace): Buffer {
  const version = args[1]?.toString('latin1');
  if (version !== undefined && !/^\d+$/.test(version)) {
    return errorReply('ERR Protocol version is not an integer or out of range');
  }
  if (version !== undefined && version !== '2') return errorReply('NOPROTO unsupported protocol version');
  if (args.length > 2) return errorReply(`ERR Syntax error in HELLO option '${args[2]!.toString('latin1')}'`);
  return array([
    bulk('server'),
    bulk('redis'),
    bulk('version'),
    bulk(server.version),
    bulk('proto'),
    integer(2),
    bulk('id'),
    integer(client.id),
    bulk('mode'),
    bulk('standalone'),
    bulk('role'),
    bulk(server.role),
    bulk('modules'),
    array([]),
  ]);
}

function client(args: Buffer[], client: ClientState): Buffer {
  switch (word(args, 1)) {
    case 'id':
      return args.length === 2 ? integer(client.id) : wrongArity('client|id');
    case 'getname':
      if (args.length !== 2) return wrongArity('client|getname');
      return bulk(client.name === '' ? null : client.name);
    case 'setname': {
      if (args.length !== 3) return wrongArity('client|setname');
      const name = args[2]!.toString('latin1');
      if (/[^!-~]/.test(name)) {
        return errorReply('ERR Client names cannot contain spaces, newlines or special characters.');
      }
      client.name = name;
      return OK;
    }
    case 'setinfo':
      return args.length === 4 ? OK : wrongArity('client|setinfo');
    default:
      return unknownSubcommand(args, 'CLIENT');
  }
}

/** What redis-benchmark and its kin ask before they start. */
const settings: Record<string, string> = { save: '', appendonly: 'no' };

function config(args: Buffer[]): Buffer {
  if (word(args, 1) !== 'get') return unknownSubcommand(args, 'CONFIG');
  if (args.length < 3) return wrongArity('config|get');
  const found = args.slice(2).flatMap((arg) => {
    const name = arg.toString('latin1').toLowerCase();
    return Object.hasOwn(settings, name) ? [bulk(name), bulk(settings[name]!)] : [];
  });
  return array(found);
}

function wrongArity(name: string): Buffer {
  return errorReply(`ERR wrong number of arguments for '${name}' command`);
}

function unknownSubcommand(args: Buffer[], container: string): Buffer {
  const name = args[1]!.toString('latin1', 0, 128);
  return errorReply(`ERR unknown subcommand '${name}'. Try ${container} HELP.`);
}

/** Redis shows at most 128 bytes of the name, and of the arguments as many as fit in 128. */
function unknownCommand(args: Buffer[]): Buffer {
  let shown = '';
  for (const arg of args.slice(1)) {
    if (shown.length >= 128) break;
    shown += `'${arg.toString('latin1', 0, 128 - shown.length)}' `;
  }
  const name = args[0]!.toString('latin1', 0, 128);
  return errorReply(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}
