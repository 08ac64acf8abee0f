/**
 * The replies that cannot be the same byte for byte on both sides, and what must hold for each of them all
 * the same.
 */
import type { Wire } from '../resp-wire.js';
import { showWire } from '../resp-wire.js';
import type { Arguments } from './arguments.js';
import {
  pairsOf,
  sameClients,
  sameCommandDocs,
  sameCommandRows,
  sameHello,
  sameInfo,
  subsetOfNames,
} from './tables.js';

export interface Circumstances {
  /** Expiries were set that count from now: each side's own. */
  hasRelativeExpiries: boolean;
}

export interface Rule {
  /** Commands in lower case, subcommands behind a blank. */
  readonly commands: readonly string[];
  readonly why: string;
  /** Errors are compared by it too. */
  readonly isOfErrors?: boolean;
  readonly same: (ours: Wire, theirs: Wire, circumstances: Circumstances) => boolean;
}

/** Two clocks are read, a round trip on a busy machine apart. */
const TOLERANCE_MS = 10_000;

const POLICIES = "'maxmemory-policy') - argument(s) must be one of the following: ";

const isAlike = (ours: Wire, theirs: Wire): boolean => showWire(ours) === showWire(theirs);
const isSameType = (ours: Wire, theirs: Wire): boolean =>
  ours.mark === theirs.mark && (ours.text === undefined) === (theirs.text === undefined);
const asSet = (ours: Wire, theirs: Wire): boolean => isAlike(sorted(ours), sorted(theirs));

export const RULES: readonly Rule[] = [
  { commands: ['ttl'], why: 'two clocks', same: within(TOLERANCE_MS / 1000) },
  { commands: ['pttl'], why: 'two clocks', same: within(TOLERANCE_MS) },
  {
    commands: ['expiretime', 'pexpiretime'],
    why: 'two clocks, for expiries that count from now',
    same: (ours, theirs, { hasRelativeExpiries }) =>
      hasRelativeExpiries && within(TOLERANCE_MS)(ours, theirs),
  },
  {
    commands: ['object idletime'],
    why: 'Redis shares small numbers, also how long they are idle',
    same: isSameType,
  },
  {
    commands: ['time'],
    why: 'two clocks',
    same: (ours, theirs) =>
      ours.items?.length === 2 && within(TOLERANCE_MS / 1000)(ours.items[0]!, theirs.items![0]!),
  },
  { commands: ['keys'], why: 'no order is promised', same: asSet },
  {
    commands: ['scan'],
    why: 'no order is promised (all keys are asked for at once; scans in steps are compared whole)',
    same: (ours, theirs) =>
      isAlike(ours.items![0]!, theirs.items![0]!) && asSet(ours.items![1]!, theirs.items![1]!),
  },
  {
    commands: ['config get'],
    why: 'no order is promised',
    same: (ours, theirs) => isAlike(byName(ours), byName(theirs)),
  },
  {
    commands: ['config set'],
    why: 'the error lists the policies that there are',
    isOfErrors: true,
    same: (ours, theirs) => [ours, theirs].every(({ text }) => text!.includes(POLICIES)),
  },
  { commands: ['randomkey'], why: 'random', same: isSameType },
  {
    commands: ['object encoding'],
    why: 'ours tells by the content, Redis also by the command that wrote it',
    same: (ours, theirs) => [ours, theirs].every(({ text }) => /^(int|embstr|raw)$/.test(text ?? '')),
  },
  {
    commands: ['dump'],
    why: 'Redis may find a match that an earlier DUMP left it',
    same: (ours, theirs) => ours.text !== undefined && theirs.text !== undefined,
  },
  { commands: ['object refcount'], why: 'Redis shares small numbers', same: isSameType },
  { commands: ['memory usage'], why: 'memory of two programs', same: isSameType },
  {
    commands: ['memory stats', 'memory doctor', 'memory malloc-stats', 'latency doctor', 'latency histogram'],
    why: 'memory, texts and times of two programs',
    same: isSameType,
  },
  { commands: ['lastsave'], why: 'two starts', same: isSameType },
  { commands: ['acl genpass'], why: 'random', same: isSameType },
  { commands: ['acl log'], why: 'Redis lists wrong passwords', same: isSameType },
  { commands: ['acl cat'], why: 'Redis has more commands, in no order', same: subsetOfNames },
  { commands: ['client id'], why: 'each side counts its own', same: isSameType },
  { commands: ['client info'], why: 'addresses, ids, ages and buffers', same: sameClients },
  {
    commands: ['client list'],
    why: 'as above; more may follow TYPE in ours, so that its own fault comes first',
    isOfErrors: true,
    same: (ours, theirs) =>
      ours.mark === '-' ? /^ERR Unknown client type/.test(ours.text!) : sameClients(ours, theirs),
  },
  { commands: ['hello'], why: 'version and id', same: sameHello },
  { commands: ['info'], why: 'figures of two programs; keyspace is compared', same: sameInfo },
  { commands: ['role'], why: 'offsets', same: (ours, theirs) => isAlike(ours.items![0]!, theirs.items![0]!) },
  { commands: ['slowlog get', 'slowlog len'], why: 'what was slow', same: isSameType },
  { commands: ['command count'], why: 'Redis has more commands', same: isSameType },
  { commands: ['command list'], why: 'Redis has more commands, in no order', same: subsetOfNames },
  {
    commands: ['command', 'command info'],
    why: 'Redis has more commands and subcommands, in no order',
    same: sameCommandRows,
  },
  {
    commands: ['command docs'],
    why: 'summary, since, group and complexity are promised',
    same: sameCommandDocs,
  },
];

const rulesByCommand = new Map(RULES.flatMap((rule) => rule.commands.map((name) => [name, rule] as const)));

/** A command, of a transaction perhaps, with replies that are not the same. */
export interface Mismatch {
  args: Arguments;
  ours: Wire;
  theirs: Wire;
}

/**
 * Returns the fault of a reply of ours where Redis gives `theirs`; mostly there is none. `queued` are the
 * commands that an EXEC runs.
 */
export function findMismatch(
  { args, ours, theirs }: Mismatch,
  circumstances: Circumstances,
  queued: readonly Arguments[] = [],
): Mismatch | undefined {
  if (isAlike(ours, theirs)) return undefined;
  const [name, second] = args.map((arg) => arg.toString().toLowerCase());
  if (name === 'exec' && ours.items && ours.items.length === theirs.items?.length) {
    return ours.items
      .map((item, n) => ({ args: queued[n] ?? [], ours: item, theirs: theirs.items![n]! }))
      .map((part) => findMismatch(part, circumstances))
      .find((mismatch) => mismatch !== undefined);
  }
  const rule = rulesByCommand.get(`${name} ${second}`) ?? rulesByCommand.get(name ?? '');
  const isSame =
    ours.mark === theirs.mark &&
    (ours.mark !== '-' || rule?.isOfErrors) &&
    rule?.same(ours, theirs, circumstances);
  return isSame ? undefined : { args, ours, theirs };
}

function within(tolerance: number): (ours: Wire, theirs: Wire) => boolean {
  return (ours, theirs) => {
    const [mine, other] = [Number(ours.text), Number(theirs.text)];
    return mine >= 0 && other >= 0 && Math.abs(mine - other) <= tolerance;
  };
}

/** A map with its pairs in order. */
function byName({ mark, items = [] }: Wire): Wire {
  return sorted({ mark, items: pairsOf(items).map((pair) => ({ mark: '*', items: pair })) });
}

function sorted(list: Wire): Wire {
  const items = [...(list.items ?? [])].sort((a, b) => (showWire(a) < showWire(b) ? -1 : 1));
  return { mark: list.mark, items };
}
