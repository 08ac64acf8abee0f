/** PUBLISH, SPUBLISH, the commands that subscribe and unsubscribe, and PUBSUB. */
import type { ClientState } from '../client-state.js';
import { type Call, type Command, NO_KEYS, type RangeSpec, subcommandSyntaxError } from '../command.js';
import { withHelp } from '../container-help.js';
import { encodeReply, Failure, NO_REPLY, Push, Raw, type Reply } from '../reply.js';
import { type SubscriptionKind, subscriptionBytes } from '../subscriptions.js';

const SUBSCRIBES_TOO_MUCH = new Failure('ERR the subscriptions are larger than the query buffer may be');
const NOT_IN_EXEC = new Failure("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

const row = { keys: NO_KEYS, group: 'pubsub', since: '2.0.0' } as const;
const publishing = {
  ...row,
  arity: 3,
  flags: ['pubsub', 'loading', 'stale', 'fast'],
  categories: ['pubsub', 'fast'],
  mayReplicate: () => true,
} as const;
const subscribing = {
  ...row,
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  categories: ['pubsub', 'slow'],
} as const;
const onePlace: RangeSpec = { flags: ['not_key'], index: 1, range: [0, 1, 0] };
const manyPlaces: RangeSpec = { flags: ['not_key'], index: 1, range: [-1, 1, 0] };
const inspecting = {
  ...row,
  flags: ['pubsub', 'loading', 'stale'],
  categories: ['pubsub', 'slow'],
  since: '2.8.0',
} as const;

const subcommands: readonly Command[] = [
  {
    ...inspecting,
    name: 'channels',
    arity: -2,
    complexity:
      'O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)',
    summary: 'List active channels',
    help: [
      'CHANNELS [<pattern>]',
      "    Return the currently active channels matching a <pattern> (default: '*').",
    ],
    run: (call) => listNames(call, 'channels'),
  },
  {
    ...inspecting,
    name: 'numpat',
    arity: 2,
    complexity: 'O(1)',
    summary: 'Get the count of unique patterns pattern subscriptions',
    help: ['NUMPAT', '    Return number of subscriptions to patterns.'],
    run: ({ host }) => host.pubsub.count('patterns'),
  },
  {
    ...inspecting,
    name: 'numsub',
    arity: -2,
    complexity: 'O(N) for the NUMSUB subcommand, where N is the number of requested channels',
    summary: 'Get the count of subscribers for channels',
    help: [
      'NUMSUB [<channel> ...]',
      '    Return the number of subscribers for the specified channels, excluding',
      '    pattern subscriptions(default: no channels).',
    ],
    run: (call) => countSubscribers(call, 'channels'),
  },
  {
    ...inspecting,
    name: 'shardchannels',
    arity: -2,
    since: '7.0.0',
    complexity:
      'O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard channels).',
    summary: 'List active shard channels',
    help: [
      'SHARDCHANNELS [<pattern>]',
      "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    ],
    run: (call) => listNames(call, 'shardChannels'),
  },
  {
    ...inspecting,
    name: 'shardnumsub',
    arity: -2,
    since: '7.0.0',
    complexity: 'O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels',
    summary: 'Get the count of subscribers for shard channels',
    help: [
      'SHARDNUMSUB [<shardchannel> ...]',
      '    Return the number of subscribers for the specified shard level channel(s)',
    ],
    run: (call) => countSubscribers(call, 'shardChannels'),
  },
];

/** The commands about channels. */
export const pubsubCommands: readonly Command[] = [
  {
    ...publishing,
    name: 'publish',
    complexity:
      'O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).',
    summary: 'Post a message to a channel',
    run: (call) => publish(call, false),
  },
  {
    ...publishing,
    name: 'spublish',
    keys: [1, 1, 1],
    keySpecs: [onePlace],
    since: '7.0.0',
    complexity: 'O(N) where N is the number of clients subscribed to the receiving shard channel.',
    summary: 'Post a message to a shard channel',
    run: (call) => publish(call, true),
  },
  {
    ...subscribing,
    name: 'subscribe',
    arity: -2,
    complexity: 'O(N) where N is the number of channels to subscribe to.',
    summary: 'Listen for messages published to the given channels',
    run: (call) => subscribe(call, 'channels'),
  },
  {
    ...subscribing,
    name: 'ssubscribe',
    arity: -2,
    keys: [1, -1, 1],
    keySpecs: [manyPlaces],
    since: '7.0.0',
    complexity: 'O(N) where N is the number of shard channels to subscribe to.',
    summary: 'Listen for messages published to the given shard channels',
    run: (call) => (call.client.isInExec ? NOT_IN_EXEC : subscribe(call, 'shardChannels')),
  },
  {
    ...subscribing,
    name: 'psubscribe',
    arity: -2,
    complexity: 'O(N) where N is the number of patterns the client is already subscribed to.',
    summary: 'Listen for messages published to channels matching the given patterns',
    run: (call) => subscribe(call, 'patterns'),
  },
  {
    ...subscribing,
    name: 'unsubscribe',
    arity: -1,
    complexity: 'O(N) where N is the number of clients already subscribed to a channel.',
    summary: 'Stop listening for messages posted to the given channels',
    run: (call) => unsubscribe(call, 'channels'),
  },
  {
    ...subscribing,
    name: 'sunsubscribe',
    arity: -1,
    keys: [1, -1, 1],
    keySpecs: [manyPlaces],
    since: '7.0.0',
    complexity: 'O(N) where N is the number of clients already subscribed to a shard channel.',
    summary: 'Stop listening for messages posted to the given shard channels',
    run: (call) => unsubscribe(call, 'shardChannels'),
  },
  {
    ...subscribing,
    name: 'punsubscribe',
    arity: -1,
    complexity:
      'O(N+M) where N is the number of patterns the client is already subscribed and M is the number of total patterns subscribed in the system (by any client).',
    summary: 'Stop listening for messages posted to channels matching the given patterns',
    run: (call) => unsubscribe(call, 'patterns'),
  },
  {
    ...row,
    name: 'pubsub',
    arity: -2,
    flags: [],
    categories: ['slow'],
    since: '2.8.0',
    complexity: 'Depends on subcommand.',
    summary: 'A container for Pub/Sub commands',
    subcommands: withHelp(
      { container: 'pubsub', since: '6.2.0', group: 'pubsub', categories: ['slow'] },
      subcommands,
    ),
  },
];

const subscribedWords = {
  channels: 'subscribe',
  patterns: 'psubscribe',
  shardChannels: 'ssubscribe',
} as const;
const unsubscribedWords = {
  channels: 'unsubscribe',
  patterns: 'punsubscribe',
  shardChannels: 'sunsubscribe',
} as const;

/** Sends a message to the subscribers here and, from a primary, to those at its replicas. */
function publish({ args, host }: Call, isSharded: boolean): Reply {
  const message = { channel: args[1]!, payload: args[2]!, isSharded };
  return host.replication.sendMessage(message) ?? host.pubsub.send(message);
}

function subscribe({ args, client, host }: Call, kind: SubscriptionKind): Reply {
  const names = args.slice(1);
  const addedBytes = names.reduce((sum, name) => sum + subscriptionBytes(name.length), 0);
  const bytes = (client.subscriptions?.bytes ?? 0) + addedBytes;
  if (bytes > host.settings.queryBufferBytes) return SUBSCRIBES_TOO_MUCH;
  return answer(
    client,
    names.map((name) => {
      host.pubsub.subscribe(client, kind, name.toString('latin1'));
      return new Push([subscribedWords[kind], name, countOf(client, kind)]);
    }),
  );
}

function unsubscribe({ args, client, host }: Call, kind: SubscriptionKind): Reply {
  const word = unsubscribedWords[kind];
  const names =
    args.length > 1
      ? args.slice(1)
      : [...(client.subscriptions?.[kind] ?? [])].map((name) => Buffer.from(name, 'latin1'));
  const answers = names.map((name) => {
    host.pubsub.unsubscribe(client, kind, name.toString('latin1'));
    return new Push([word, name, countOf(client, kind)]);
  });
  return answer(client, answers.length > 0 ? answers : [new Push([word, null, countOf(client, kind)])]);
}

/** A message for each name: they are the reply, and yet are sent whatever CLIENT REPLY says. */
function answer(client: ClientState, messages: readonly Push[]): Reply {
  const bytes = Buffer.concat(messages.map((message) => encodeReply(message, client.protocol)));
  if (client.replies === 'on') return new Raw(bytes);
  client.output.push(bytes);
  return NO_REPLY;
}

/** The count in these messages, as in Redis: channels and patterns together, shard channels by themselves. */
function countOf({ subscriptions }: ClientState, kind: SubscriptionKind): number {
  if (subscriptions === undefined) return 0;
  const { channels, patterns, shardChannels } = subscriptions;
  return kind === 'shardChannels' ? shardChannels.size : channels.size + patterns.size;
}

function listNames({ args, host }: Call, kind: SubscriptionKind): Reply {
  if (args.length > 3) return subcommandSyntaxError(args);
  const names = Array.from(host.pubsub.names(kind), (name) => Buffer.from(name, 'latin1'));
  const pattern = args[2];
  if (pattern === undefined) return names;
  const { keyspace } = host.engine();
  return names.filter((name) => keyspace.matches(pattern, name));
}

function countSubscribers({ args, host }: Call, kind: SubscriptionKind): Reply {
  return args.slice(2).flatMap((name) => [name, host.pubsub.subscriberCount(kind, name.toString('latin1'))]);
}
