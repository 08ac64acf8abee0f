/** A connection to ours and one to redis-server that are told the same and must answer the same. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RandomSource } from '../random.js';
import { RespClient, respCommand } from '../resp-client.js';
import { parseWire, showText, showWire, type Wire } from '../resp-wire.js';
import type { Argument, Arguments } from './arguments.js';
import { type Circumstances, findMismatch } from './rules.js';

/** Redis ports, `host:port`. */
export interface Addresses {
  ours: string;
  theirs: string;
}

/** A reply of ours before it is compared: for tests of the test. */
export type Alter = (reply: Buffer, args: Arguments) => Buffer;

const QUEUED = Buffer.from('+QUEUED\r\n');
const PLUS = 0x2b;
const MINUS = 0x2d;
const ENDS_TRANSACTION = /^(exec|discard|reset)$/;

export class Difference extends Error {}

/** The answers of Redis in all, which show whether the test asks for enough. */
export class Tally {
  /** How often a command, lower case, was answered without an error. */
  readonly answers = new Map<string, number>();
  readonly errors = new Set<string>();

  count(args: Arguments, reply: Buffer): void {
    if (reply[0] === MINUS) this.errors.add(reply.toString('latin1'));
    else if (!reply.equals(QUEUED)) {
      const name = args[0]!.toString().toLowerCase();
      this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
    }
  }
}

export interface PairOptions extends Circumstances {
  tally: Tally;
  alter?: Alter | undefined;
}

export class ConnectionPair {
  readonly name: string;
  readonly #ours: RespClient;
  readonly #theirs: RespClient;
  readonly #options: PairOptions;
  /** The commands that were queued since MULTI. */
  #queued: Arguments[] | undefined;
  /** The last commands and Redis' replies, oldest first. */
  readonly #history: (readonly [Arguments, Buffer])[] = [];

  private constructor(name: string, ours: RespClient, theirs: RespClient, options: PairOptions) {
    this.name = name;
    this.#ours = ours;
    this.#theirs = theirs;
    this.#options = options;
  }

  static async open(name: string, addresses: Addresses, options: PairOptions): Promise<ConnectionPair> {
    const [ours, theirs] = await Promise.all([
      RespClient.connect(addresses.ours),
      RespClient.connect(addresses.theirs),
    ]);
    return new ConnectionPair(name, ours, theirs, options);
  }

  get isInTransaction(): boolean {
    return this.#queued !== undefined;
  }

  /** Sends commands that answer once each. Throws a Difference at the first reply that is not the same. */
  async exchange(commands: readonly Arguments[], pieces: readonly Buffer[]): Promise<void> {
    for (const [n, piece] of pieces.entries()) {
      if (n > 0) await nextTurn();
      this.#ours.write(piece);
      this.#theirs.write(piece);
    }
    for (const args of commands) await this.#answerTo(args);
    if (this.#ours.unreadBytes > 0) throw new Difference(`${this.#ours.unreadBytes} bytes more than replies`);
  }

  /**
   * All keys that SCAN comes by, on each side with its own cursors: sorted, without those that came twice.
   */
  scanBoth(options: readonly Argument[]): Promise<[string, string]> {
    return Promise.all([scanAll(this.#ours, options), scanAll(this.#theirs, options)]);
  }

  /** Sends bytes that make the server close; the replies before that must be the same. */
  async leave(bytes: Buffer): Promise<void> {
    this.#ours.write(bytes);
    this.#theirs.write(bytes);
    const [ours, theirs] = await Promise.all([this.#ours.untilClosed(), this.#theirs.untilClosed()]);
    if (!ours.equals(theirs)) {
      throw new Difference(
        `at the end: ${showText(ours.toString('latin1'))}, Redis: ${showText(theirs.toString('latin1'))}`,
      );
    }
  }

  close(): void {
    this.#ours.close();
    this.#theirs.close();
  }

  /** The last commands and Redis' replies. */
  history(most: number): string[] {
    return this.#history
      .slice(-most)
      .map(([args, reply]) => `${showCommand(args)}\n    → ${shorter(showWire(parseWire(reply)))}`);
  }

  async #answerTo(args: Arguments): Promise<void> {
    const theirs = await this.#theirs.rawReply();
    this.#options.tally.count(args, theirs);
    this.#history.push([args, theirs]);
    if (this.#history.length > 100) this.#history.splice(0, 50);
    const received = await this.#ours.rawReply().catch((error: Error) => {
      throw new Difference(`ours:   ${error.message}\nRedis:  ${shorter(showWire(parseWire(theirs)))}`);
    });
    const ours = this.#options.alter?.(received, args) ?? received;
    if (!ours.equals(theirs)) this.#compare(args, parseWire(ours), parseWire(theirs));
    this.#follow(args, theirs);
  }

  #compare(args: Arguments, ours: Wire, theirs: Wire): void {
    const mismatch = findMismatch({ args, ours, theirs }, this.#options, this.#queued);
    if (!mismatch) return;
    throw new Difference(
      [
        `${mismatch.args === args ? '' : 'within it: '}${showCommand(mismatch.args)}`,
        `ours:   ${shorter(showWire(mismatch.ours))}`,
        `Redis:  ${shorter(showWire(mismatch.theirs))}`,
      ].join('\n'),
    );
  }

  /** Learns from Redis' replies what a transaction holds. */
  #follow(args: Arguments, reply: Buffer): void {
    const name = args[0]!.toString().toLowerCase();
    if (reply.equals(QUEUED)) this.#queued?.push(args);
    else if (name === 'multi' && reply[0] === PLUS) this.#queued = [];
    else if (ENDS_TRANSACTION.test(name) && !reply.includes('wrong number')) this.#queued = undefined;
  }
}

function shorter(text: string): string {
  return text.length <= 1500 ? text : `${text.slice(0, 1500)}…`;
}

async function scanAll(client: RespClient, options: readonly Argument[]): Promise<string> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    client.write(respCommand('SCAN', cursor, ...options));
    const { items } = parseWire(await client.rawReply());
    if (items?.length !== 2) return 'no reply of SCAN';
    cursor = items[0]!.text!;
    for (const key of items[1]!.items!) keys.add(showWire(key));
  } while (cursor !== '0');
  return [...keys].sort().join(' ');
}

export function showCommand(args: Arguments): string {
  return args.map((arg) => showText(Buffer.from(arg as string).toString('latin1'))).join(' ');
}

/** Bytes in pieces, cut anywhere. */
export function cutAnywhere(bytes: Buffer, random: RandomSource): Buffer[] {
  if (random.chance(0.6)) return [bytes];
  const cuts = Array.from({ length: random.between(1, 5) }, () => random.below(bytes.length)).sort(
    (a, b) => a - b,
  );
  return [...cuts, bytes.length].map((end, n) => bytes.subarray(n === 0 ? 0 : cuts[n - 1], end));
}
