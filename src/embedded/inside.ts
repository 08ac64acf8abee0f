/**
 * The server behind the face that a program has. Its type would bring all the types of a server into those of
 * the library, so a face's constructor is given something that shows nothing of it.
 */
import type { Node } from '../server/node.js';
import type { Codec } from './codec.js';

declare const closed: unique symbol;

/** A server and its codec, of which nothing can be seen. */
export interface Inside {
  readonly [closed]: never;
}

/** The node and the codec behind a face. */
export interface Opened {
  readonly node: Node;
  readonly codec: Codec<unknown>;
}

const insides = new WeakMap<Inside, Opened>();

/** Makes the inside of a face. */
export function enclose(node: Node, codec: Codec<unknown>): Inside {
  const inside = Object.freeze({}) as Inside;
  insides.set(inside, { node, codec });
  return inside;
}

/** Returns what `enclose` was given. Throws a TypeError for anything that it has not made. */
export function open(inside: Inside): Opened {
  const opened = insides.get(inside);
  if (opened === undefined) throw new TypeError('A server is made by start() or follow(), not by `new`.');
  return opened;
}
