/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH. Commands between MULTI and EXEC are queued by the gate (gate.ts);
 * EXEC runs them in one go, unless a watched key has changed.
 */
import type { ClientState } from '../client-state.js';
import type { Call, Command } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { EmissionBound, emissionRefusal } from '../emission-bound.js';
import { Later } from '../later.js';
import { encodeReply, Failure, NIL_ARRAY, OK, Raw, REPLY_BYTES_MAX, type Reply } from '../reply.js';

/** The commands of transactions. */
export const transactionCommands: readonly Command[] = [
  {
    name: 'multi',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    categories: ['fast', 'transaction'],
    since: '1.2.0',
    group: 'transactions',
    complexity: 'O(1)',
    summary: 'Mark the start of a transaction block',
    run: multi,
  },
  {
    name: 'exec',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    keys: [0, 0, 0],
    categories: ['slow', 'transaction'],
    since: '1.2.0',
    group: 'transactions',
    complexity: 'Depends on commands in the transaction',
    summary: 'Execute all commands issued after MULTI',
    run: exec,
  },
  {
    name: 'discard',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    categories: ['fast', 'transaction'],
    since: '2.0.0',
    group: 'transactions',
    complexity: 'O(N), when N is the number of queued commands',
    summary: 'Discard all commands issued after MULTI',
    run: discard,
  },
  {
    name: 'watch',
    arity: -2,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [1, -1, 1],
    categories: ['fast', 'transaction'],
    keySpecs: [{ flags: ['RO'], index: 1, range: [-1, 1, 0] }],
    since: '2.2.0',
    group: 'transactions',
    complexity: 'O(1) for every key.',
    summary: 'Watch the given keys to determine execution of the MULTI/EXEC block',
    run: watch,
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    categories: ['fast', 'transaction'],
    since: '2.2.0',
    group: 'transactions',
    complexity: 'O(1)',
    summary: 'Forget about all watched keys',
    run: unwatch,
  },
];

/** Bytes that a watched key takes besides its own. */
const WATCHED_KEY_BYTES = 256;
const WATCHES_TOO_MUCH = new Failure('ERR the watched keys are larger than the query buffer may be');

function multi({ client }: Call): Reply {
  if (client.transaction !== undefined) return new Failure('ERR MULTI calls can not be nested');
  client.transaction = { queue: [], queuedBytes: 0, isBroken: false };
  return OK;
}

function exec({ client, host }: Call): Reply | Later {
  const { transaction } = client;
  if (transaction === undefined) return new Failure('ERR EXEC without MULTI');
  const isDiscarded = transaction.isBroken || hasChangedKeys(client, host);
  releaseWatched(client);
  if (isDiscarded) {
    client.transaction = undefined;
    if (!transaction.isBroken) return NIL_ARRAY;
    return new Failure('EXECABORT Transaction discarded because of previous errors.');
  }
  const refusal = emissionRefusal(transaction.queue, host.engine());
  if (refusal !== undefined) {
    client.transaction = undefined;
    return refusal;
  }
  client.emission = new EmissionBound(host.engine(), transaction.queuedBytes);
  return new Execution(transaction.queue, client, host).run();
}

/** Runs every command of a queue, whatever the others answer; scripts may be suspended on the way. */
class Execution {
  readonly #queue: readonly (readonly Buffer[])[];
  readonly #client: ClientState;
  readonly #host: CommandHost;
  readonly #replies: Raw[] = [];
  #bytes = 0;
  #at = 0;

  constructor(queue: readonly (readonly Buffer[])[], client: ClientState, host: CommandHost) {
    this.#queue = queue;
    this.#client = client;
    this.#host = host;
  }

  run(): Reply | Later {
    const client = this.#client;
    client.isInExec = true;
    let answer: Reply | Later | undefined;
    try {
      while (this.#at < this.#queue.length && !(answer instanceof Later)) {
        answer = this.#host.execute(this.#queue[this.#at++]!, client);
        if (!(answer instanceof Later)) this.#add(answer);
      }
    } finally {
      client.isInExec = answer instanceof Later;
      if (!client.isInExec) {
        client.transaction = undefined;
        client.emission = undefined;
      }
    }
    return answer instanceof Later ? this.#behind(answer) : this.#reply();
  }

  /** Goes on behind a script that is suspended; meanwhile no other client's commands run. */
  #behind(script: Later): Later {
    return new Later((done) =>
      script.start((reply) => {
        this.#add(reply);
        const rest = this.run();
        if (rest instanceof Later) rest.start(done);
        else done(rest);
      }),
    );
  }

  #add(reply: Reply): void {
    // Each reply is encoded at once, for HELLO may change the protocol on the way.
    let encoded = encodeReply(reply, this.#client.protocol);
    // A monitor sees its own commands between their replies, as in Redis; messages follow the whole reply.
    const { afterReply, isMonitor } = this.#client;
    if (isMonitor && afterReply.length > 0) encoded = Buffer.concat([encoded, ...afterReply.splice(0)]);
    this.#bytes += encoded.length;
    if (this.#bytes <= REPLY_BYTES_MAX) this.#replies.push(new Raw(encoded));
    else this.#replies.length = 0;
  }

  #reply(): Reply {
    if (this.#bytes <= REPLY_BYTES_MAX) return this.#replies;
    return new Failure('ERR the transaction has run, but its replies are too large');
  }
}

function discard({ client }: Call): Reply {
  if (client.transaction === undefined) return new Failure('ERR DISCARD without MULTI');
  client.transaction = undefined;
  releaseWatched(client);
  return OK;
}

function watch({ args, client, host }: Call): Reply {
  if (client.transaction !== undefined) return new Failure('ERR WATCH inside MULTI is not allowed');
  const engine = host.engine();
  for (const key of args.slice(1)) {
    const name = key.toString('latin1');
    // The key is compared with what it was when it was watched first.
    if (client.watched.has(name)) continue;
    client.watchedBytes += key.length + WATCHED_KEY_BYTES;
    if (client.watchedBytes > host.settings.queryBufferBytes) return WATCHES_TOO_MUCH;
    client.watched.set(name, { key, engine, ticket: engine.watches.watch(key) });
  }
  return OK;
}

function unwatch({ client }: Call): Reply {
  releaseWatched(client);
  return OK;
}

/** Releases a client's watched keys; called when the client needs them no more, or disconnects. */
export function releaseWatched(client: ClientState): void {
  for (const { key, engine } of client.watched.values()) engine.watches.unwatch(key);
  client.watched.clear();
  client.watchedBytes = 0;
}

/** Whether something that the client watches has changed; a store that was replaced is a change too. */
export function hasChangedKeys({ watched }: ClientState, host: CommandHost): boolean {
  return [...watched.values()].some(
    ({ key, engine, ticket }) => engine !== host.engine() || engine.watches.changedSince(key, ticket),
  );
}
