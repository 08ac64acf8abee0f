/**
 * One random session: three connections to ours and three to redis-server in lock-step, from one seed.
 * Everything that a client may do in an ordinary life: pipelines, transactions with a rival, scans, leaving
 * and coming back.
 */
import { respCommand } from '../resp-client.js';
import type { Argument, Arguments } from './arguments.js';
import { ALL_KEYS } from './arguments.js';
import { CommandSource } from './command-source.js';
import {
  type Addresses,
  type Alter,
  ConnectionPair,
  cutAnywhere,
  Difference,
  type PairOptions,
  showCommand,
  Tally,
} from './connection-pair.js';

const CONNECTIONS = 3;

export interface SessionResult {
  commands: number;
  /** Empty when ours and Redis never differed. */
  report: string;
}

/** The variable that replays a session, or several: `17` or `100-300`. */
export const SEED_VARIABLE = 'FASTCACHE_DIFFERENTIAL_SEED';

export interface SessionOptions {
  addresses: Addresses;
  /** How many, at the least. */
  commands: number;
  tally?: Tally;
  alter?: Alter;
}

export async function runSession(seed: number, options: SessionOptions): Promise<SessionResult> {
  const session = new Session(seed, options);
  try {
    await session.run(options.commands);
    return { commands: session.count, report: '' };
  } catch (error) {
    if (!(error instanceof Difference)) throw error;
    return { commands: session.count, report: session.report(error) };
  } finally {
    session.close();
  }
}

class Session {
  readonly #seed: number;
  readonly #addresses: Addresses;
  readonly #source: CommandSource;
  readonly #pairOptions: PairOptions;
  readonly #pairs: ConnectionPair[] = [];
  /** The connection that was talked to last. */
  #current!: ConnectionPair;
  count = 0;

  constructor(seed: number, { addresses, tally = new Tally(), alter }: SessionOptions) {
    const hasRelativeExpiries = seed % 3 === 0;
    this.#seed = seed;
    this.#addresses = addresses;
    this.#source = new CommandSource(seed, { hasRelativeExpiries, nowMs: Date.now() });
    this.#pairOptions = { hasRelativeExpiries, tally, alter };
  }

  async run(commands: number): Promise<void> {
    const { random } = this.#source;
    for (let n = 0; n < CONNECTIONS; n++) this.#pairs.push(await this.#open(n));
    await this.#send(this.#pairs[0]!, [['FLUSHALL']]);
    while (this.count < commands) {
      const pair = random.pick(this.#pairs);
      const kind = random.below(100);
      if (kind < 70) await this.#send(pair, this.#source.commands(1 + random.skewed(200)));
      else if (kind < 94) await this.#transaction(pair);
      else if (kind < 98) await this.#scan(pair);
      else await this.#comeBack(this.#pairs.indexOf(pair));
    }
    await this.#compareContent();
  }

  report(difference: Difference): string {
    return [
      `seed ${this.#seed} (replay: ${SEED_VARIABLE}=${this.#seed}), after ${this.count} commands, on connection ${this.#current.name}:`,
      ...this.#current.history(12).map((line) => `  ${line}`),
      difference.message,
    ].join('\n');
  }

  close(): void {
    for (const pair of this.#pairs) pair.close();
  }

  async #open(n: number): Promise<ConnectionPair> {
    const pair = await ConnectionPair.open(String(n), this.#addresses, this.#pairOptions);
    if (this.#source.random.chance(0.5)) await this.#send(pair, [['HELLO', '3']]);
    return pair;
  }

  async #send(pair: ConnectionPair, commands: readonly Arguments[]): Promise<void> {
    this.#current = pair;
    const bytes = Buffer.concat(commands.map((args) => this.#source.encode(args)));
    await pair.exchange(commands, cutAnywhere(bytes, this.#source.random));
    this.count += commands.length;
  }

  /** A transaction in steps, between which a rival may change what is watched. */
  async #transaction(pair: ConnectionPair): Promise<void> {
    const { random } = this.#source;
    const watched = this.#source.keys(3);
    if (random.chance(0.7)) await this.#send(pair, [['WATCH', ...watched]]);
    if (random.chance(0.5)) await this.#rival(watched);
    await this.#send(pair, [['MULTI'], ...this.#source.commands(random.between(0, 12))]);
    if (random.chance(0.3)) await this.#rival(watched);
    await this.#send(pair, [random.chance(0.85) ? ['EXEC'] : ['DISCARD'], ...this.#source.commands(1)]);
  }

  async #rival(watched: readonly Argument[]): Promise<void> {
    const { random } = this.#source;
    const key = random.pick(watched);
    const touches: Arguments[] = [
      ['SET', key, this.#source.value()],
      ['DEL', key],
      ['GET', key],
      ['APPEND', key, ''],
      ['EXPIREAT', key, this.#source.timeAt(1000)],
      ['PERSIST', key],
      ['TOUCH', key],
      ['GETEX', key],
      ['RENAME', key, this.#source.key()],
    ];
    await this.#send(random.pick(this.#pairs), [random.pick(touches), ...this.#source.commands(1)]);
  }

  /** The whole keyspace by cursor, in steps as large as chance has it. */
  async #scan(pair: ConnectionPair): Promise<void> {
    if (pair.isInTransaction) return;
    const { random } = this.#source;
    const options = [
      ...(random.chance(0.7) ? ['COUNT', String(random.between(1, 5))] : []),
      ...(random.chance(0.5) ? ['MATCH', this.#source.pattern()] : []),
    ];
    this.#current = pair;
    const [ours, theirs] = await pair.scanBoth(options);
    this.count++;
    if (ours !== theirs) {
      throw new Difference(`SCAN ${showCommand(options)} in steps: ours ${ours}\nRedis:  ${theirs}`);
    }
  }

  /** Leaves, politely or not, and comes back. */
  async #comeBack(n: number): Promise<void> {
    const pair = this.#pairs[n]!;
    if (this.#source.random.chance(0.7)) {
      this.#current = pair;
      await pair.leave(respCommand('QUIT'));
      this.count++;
    }
    pair.close();
    this.#pairs[n] = await this.#open(n);
  }

  /** At the end both hold the same. */
  async #compareContent(): Promise<void> {
    const pair = await this.#open(CONNECTIONS);
    this.#pairs.push(pair);
    const looks = ALL_KEYS.flatMap((key) => [
      ['GET', key],
      ['PEXPIRETIME', key],
    ]);
    await this.#send(pair, [['DBSIZE'], ['KEYS', '*'], ...looks]);
  }
}
