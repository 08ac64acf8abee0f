/** Asks nodes for what they have, for a primary that is to take its content back from one of them. */
import { FastcacheError } from '../errors.js';
import { goesBackTo, type History, readHistory } from '../replication/history.js';
import { Probe, type ProbeOptions } from '../replication/link/probe.js';
import { offsetIn } from '../replication/offset.js';
import { readStatus } from '../status/status-payload.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';

/** The states of a link whose primary answers. */
const LINKED: ReadonlySet<string> = new Set(['snapshot', 'live']);

/** A replica that has content. */
export interface Candidate {
  readonly address: Address;
  readonly history: History;
  readonly watermarks: readonly bigint[];
}

/** The answers of the nodes that were asked. */
export interface Answers {
  /** Nodes that are primaries, Rust ones too. */
  readonly primaries: readonly Address[];
  /** Replicas with content, the furthest first. */
  readonly candidates: readonly Candidate[];
  /** Why the others gave nothing, in the order in which they were asked. */
  readonly faults: readonly FastcacheError[];
}

/**
 * Asks all of these nodes at once, then those that they say to follow, for one of these may be a primary that
 * nobody named. Throws errors that are no `FastcacheError`.
 */
export async function askAll(addresses: readonly Address[], options: ProbeOptions): Promise<Answers> {
  const asked = new Set<string>();
  const primaries: Address[] = [];
  const candidates: Candidate[] = [];
  const faults: FastcacheError[] = [];
  for (let next = addresses; next.length > 0; ) {
    const isNew = (address: Address) => !asked.has(formatAddress(address));
    const fresh = next.filter(isNew);
    for (const address of fresh) asked.add(formatAddress(address));
    const answers = await Promise.all(fresh.map((address) => ask(address, options)));
    for (const { address, candidate, fault } of answers) {
      if (candidate !== undefined) candidates.push(candidate);
      else if (fault !== undefined) faults.push(fault);
      else primaries.push(address);
    }
    next = answers.flatMap(({ follows }) => (follows === undefined ? [] : [follows]));
  }
  candidates.sort((one, other) => Number(isFurther(other, one)) - Number(isFurther(one, other)));
  return { primaries, candidates, faults };
}

/** An answer: a candidate, a fault, or neither, which is a primary. */
interface Answer {
  address: Address;
  candidate?: Candidate;
  /** The primary to which the candidate is connected. */
  follows?: Address | undefined;
  fault?: FastcacheError;
}

async function ask(address: Address, options: ProbeOptions): Promise<Answer> {
  let probe: Probe | undefined;
  try {
    probe = await Probe.open(address, options);
    if (!probe.isOurs) return { address };
    const { role, watermarks, link } = readStatus(await probe.ask());
    const history = readHistory(probe.margin);
    if (role === 'primary') return { address };
    if (history === undefined) return { address, fault: nameless(address) };
    const follows = link !== null && LINKED.has(link.state) ? parseAddress(link.primary) : undefined;
    return { address, candidate: { address, history, watermarks }, follows };
  } catch (error) {
    if (error instanceof FastcacheError) return { address, fault: error };
    throw error;
  } finally {
    probe?.close();
  }
}

function nameless(address: Address): FastcacheError {
  const place = formatAddress(address);
  return new FastcacheError('PRIMARY_LOADING', `${place} names no history.`, { address: place });
}

/** Whether the first of two has come further: in its history, or by having a later one. */
function isFurther(one: Candidate, other: Candidate): boolean {
  if (one.history.id === other.history.id) return offsetOf(one) > offsetOf(other);
  if (goesBackTo(one.history, other.history.id)) return true;
  return !goesBackTo(other.history, one.history.id) && one.history.base > other.history.base;
}

function offsetOf({ history, watermarks }: Candidate): bigint {
  return offsetIn(history, watermarks);
}
