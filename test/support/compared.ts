/** Nodes whose content a test spoils, and the comparison of what they hold. */

import { openSide } from '../../src/cli/verify/open-side.js';
import { systemSeams } from '../../src/clock.js';
import { type Comparison, compareSides } from '../../src/compare/compare.js';
import type { Pair } from '../../src/compare/confirm.js';
import type { Side } from '../../src/compare/side.js';
import { primaryConfig, replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import type { PrimaryOptions, ReplicaOptions } from '../../src/server/option-types.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { closesLater } from './library.js';
import { eventually } from './processes.js';

/** A primary on a free port, closed behind the test. */
export async function primaryNode(options: PrimaryOptions = {}): Promise<Node> {
  const node = await Node.start(primaryConfig({ bind: ':0', listen: false, ...options }), systemNodeSeams);
  closesLater(node);
  return node;
}

/** A replica that listens for replicas on a free port, and has all that its primary had. */
export async function replicaNode(primary: Node | string, options: ReplicaOptions = {}): Promise<Node> {
  const address = typeof primary === 'string' ? primary : primary.bindAddress!;
  const node = await Node.start(
    // Content that a test spoils is to stay so, though heartbeats find it.
    replicaConfig(address, { bind: ':0', reconnectBackoffMs: 10, onDivergence: 'log', ...options }),
    systemNodeSeams,
  );
  closesLater(node);
  await eventually(
    () => [node.stream?.history.id, primary],
    () => node.stream !== undefined && (typeof primary === 'string' || isAsFar(node, primary)),
  );
  return node;
}

/** Whether a replica has applied all that its primary has published. */
export function isAsFar(replica: Node, primary: Node): boolean {
  primary.endTurn();
  return `${replica.watermarks()}` === `${primary.watermarks()}`;
}

/** Fills a primary with keys. */
export function fillNode({ engine }: Node, from: number, to: number): void {
  for (let n = from; n < to; n++) engine.set(`key:${n}`, `value ${n}`);
}

/** Opens the sides of a comparison, for `use`. */
export async function withSides<T>(
  texts: Pair<string>,
  use: (sides: Pair<Side>) => Promise<T>,
  token?: string,
): Promise<T> {
  const opening = { ...systemSeams, transport: tcpTransport, token, terminal: process.stderr };
  const sides: Side[] = [];
  try {
    for (const text of texts) sides.push(await openSide(text, opening));
    return await use(sides as unknown as Pair<Side>);
  } finally {
    for (const side of sides) side.close();
  }
}

/** Compares what two addresses or files have. */
export function compare(first: string, second: string, limit = 1000): Promise<Comparison> {
  const { signal } = new AbortController();
  return withSides([first, second], (sides) => compareSides(sides, { ...systemSeams, limit, signal }));
}

/** Returns the differences, as `sort key`, in order. */
export function differing({ differences }: Comparison): string[] {
  return differences.map(({ sort, key }) => `${sort} ${key}`).sort();
}
