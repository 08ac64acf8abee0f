/** CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: client-side caching with the server's help. */
import { parseInt64, shownText, wordOf } from '../arguments.js';
import type { ClientState } from '../client-state.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, MapReply, OK, type Reply, SetReply } from '../reply.js';
import type { TrackingOptions } from '../tracking/tracking.js';
import { own } from './client-row.js';

const NO_REDIRECT = 0;
const NOT_TRACKING = -1;

/** CLIENT CACHING and GETREDIR. */
export const cachingCommands: readonly Command[] = [
  {
    ...own,
    name: 'caching',
    arity: 3,
    since: '6.0.0',
    summary: 'Instruct the server about tracking or not keys in the next request',
    help: [
      'CACHING (YES|NO)',
      '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
    ],
    run: caching,
  },
  {
    ...own,
    name: 'getredir',
    arity: 2,
    since: '6.0.0',
    summary: 'Get tracking notifications redirection client ID if any',
    help: ['GETREDIR', '    Return the client ID we are redirecting to when tracking is enabled.'],
    run: ({ client }) => redirectOf(client),
  },
];

/** CLIENT TRACKING and TRACKINGINFO. */
export const trackingCommands: readonly Command[] = [
  {
    ...own,
    name: 'tracking',
    arity: -3,
    since: '6.0.0',
    complexity: 'O(1). Some options may introduce additional complexity.',
    summary: 'Enable or disable server assisted client side caching support',
    help: [
      'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
      '         [OPTIN] [OPTOUT] [NOLOOP]',
      '    Control server assisted client side caching.',
    ],
    run: track,
  },
  {
    ...own,
    name: 'trackinginfo',
    arity: 2,
    since: '6.2.0',
    summary: 'Return information about server assisted client side caching for the current connection',
    help: ['TRACKINGINFO', '    Report tracking status for the current connection.'],
    run: trackingInfo,
  },
];

/** The id that CLIENT LIST and GETREDIR show of the client that is sent another's invalidations. */
export function redirectOf({ tracking }: ClientState): number {
  return tracking === undefined ? NOT_TRACKING : (tracking.redirect?.id ?? NO_REDIRECT);
}

function track(call: Call): Reply {
  const { args, client, host } = call;
  const options = readOptions(call);
  if (options instanceof Failure) return options;
  const mode = wordOf(args, 2);
  if (mode === 'off') {
    host.tracking.disable(client);
    return OK;
  }
  if (mode !== 'on') return SYNTAX_ERROR;
  const fault = modeFault(options, client) ?? prefixFault(options.prefixes, client);
  if (fault !== undefined) return fault;
  // Without a prefix all keys are meant.
  const isForAll = options.isBroadcast && options.prefixes.length === 0;
  return host.tracking.enable(client, isForAll ? { ...options, prefixes: [''] } : options) ?? OK;
}

function readOptions({ args, host }: Call): TrackingOptions | Failure {
  let redirect: ClientState | undefined;
  const words = new Set<string>();
  const prefixes: string[] = [];
  for (let index = 3; index < args.length; index++) {
    const word = wordOf(args, index);
    const value = args[index + 1];
    if (word === 'redirect' && value !== undefined) {
      if (redirect !== undefined) {
        return new Failure('ERR A client can only redirect to a single other client');
      }
      const id = parseInt64(value);
      if (id === undefined) return NOT_AN_INTEGER;
      redirect = host.clients.list().find((client) => BigInt(client.id) === id);
      if (redirect === undefined) {
        return new Failure('ERR The client ID you want redirect to does not exist');
      }
      index += 1;
    } else if (word === 'prefix' && value !== undefined) {
      prefixes.push(value.toString('latin1'));
      index += 1;
    } else if (['bcast', 'optin', 'optout', 'noloop'].includes(word)) words.add(word);
    else return SYNTAX_ERROR;
  }
  return {
    redirect,
    isBroadcast: words.has('bcast'),
    isOptIn: words.has('optin'),
    isOptOut: words.has('optout'),
    isNoLoop: words.has('noloop'),
    prefixes,
  };
}

/** Why the options do not go together, or not with how the client tracks. */
function modeFault(options: TrackingOptions, { tracking }: ClientState): Failure | undefined {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = options;
  if (!isBroadcast && prefixes.length > 0) {
    return new Failure('ERR PREFIX option requires BCAST mode to be enabled');
  }
  if (tracking !== undefined && tracking.isBroadcast !== isBroadcast) {
    return new Failure(
      "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  }
  if (isBroadcast && (isOptIn || isOptOut)) {
    return new Failure('ERR OPTIN and OPTOUT are not compatible with BCAST');
  }
  if (isOptIn && isOptOut) return new Failure("ERR You can't specify both OPTIN mode and OPTOUT mode");
  if (tracking !== undefined && ((isOptIn && tracking.isOptOut) || (isOptOut && tracking.isOptIn))) {
    return new Failure(
      "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  }
  return undefined;
}

/** Why the prefixes, in latin1, may not be added to those of the client: one begins with another. */
function prefixFault(prefixes: readonly string[], { tracking }: ClientState): Failure | undefined {
  for (const [index, prefix] of prefixes.entries()) {
    const isOverlapping = (other: string) => prefix.startsWith(other) || other.startsWith(prefix);
    const existing = [...(tracking?.prefixes ?? [])].find(isOverlapping);
    if (existing !== undefined) return overlap(prefix, 'an existing', existing);
    const provided = prefixes.slice(index + 1).find(isOverlapping);
    if (provided !== undefined) return overlap(prefix, 'another provided', provided);
  }
  return undefined;
}

function overlap(prefix: string, which: string, other: string): Failure {
  const [shown, shownOther] = [prefix, other].map((text) => shownText(Buffer.from(text, 'latin1')));
  return new Failure(
    `ERR Prefix '${shown}' overlaps with ${which} prefix '${shownOther}'. Prefixes for a single client must not overlap.`,
  );
}

function caching({ args, client }: Call): Reply {
  const { tracking } = client;
  if (tracking === undefined) {
    return new Failure(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  }
  const word = wordOf(args, 2);
  if (word !== 'yes' && word !== 'no') return SYNTAX_ERROR;
  if (word === 'yes' && !tracking.isOptIn) {
    return new Failure('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
  }
  if (word === 'no' && !tracking.isOptOut) {
    return new Failure('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
  }
  tracking.isCachingGiven = true;
  return OK;
}

function trackingInfo({ client }: Call): Reply {
  const { tracking } = client;
  return new MapReply([
    ['flags', new SetReply(tracking === undefined ? ['off'] : flagsOf(tracking))],
    ['redirect', redirectOf(client)],
    [
      'prefixes',
      Array.from(tracking?.prefixes ?? [], (prefix) => Buffer.from(prefix, 'latin1')).sort(Buffer.compare),
    ],
  ]);
}

function flagsOf(tracking: NonNullable<ClientState['tracking']>): readonly string[] {
  const { isBroadcast, isOptIn, isOptOut, isCachingGiven, isNoLoop, isRedirectBroken } = tracking;
  const flags: [string, boolean][] = [
    ['on', true],
    ['bcast', isBroadcast],
    ['optin', isOptIn],
    ['caching-yes', isOptIn && isCachingGiven],
    ['optout', isOptOut],
    ['caching-no', isOptOut && isCachingGiven],
    ['noloop', isNoLoop],
    ['broken_redirect', isRedirectBroken],
  ];
  return flags.flatMap(([name, isSet]) => (isSet ? [name] : []));
}
