/**
 * `replica follow --changes` as a process whose changes are gathered, and what the records among them tell.
 */
import { FastcacheProcess } from './processes.js';

/** A change, or with `event` one of the events that share the output. */
export interface ChangeLine {
  type: string;
  event?: string;
  shard?: number;
  sequence?: string;
  op?: string;
  key?: string;
  value?: string;
  expireAtMs?: number | null;
  watermarks?: string[];
}

export class TapProcess extends FastcacheProcess {
  #text = '';

  constructor(primary: string, flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
    super(['replica', 'follow', primary, ...flags], env);
    this.child.stdout.on('data', (text: string) => {
      this.#text += text;
    });
  }

  /** Whole lines that have come, parsed. */
  get lines(): ChangeLine[] {
    return this.#text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  get changes(): ChangeLine[] {
    return this.lines.filter(({ type }) => type !== undefined);
  }

  get types(): string[] {
    return [...new Set(this.changes.map(({ type }) => type))];
  }
}

/** Returns the content that changes lead to, as a consumer builds it up from all that it ever got. */
export function foldLines(changes: readonly ChangeLine[]): Map<string, string> {
  let content = new Map<string, string>();
  let before = content;
  for (const { type, op, key, value } of changes) {
    if (type === 'snapshot-begin') {
      before = content;
      content = new Map();
    } else if (type === 'snapshot-abandoned') content = before;
    else if (op === 'del') content.delete(key!);
    else if (op === 'set' || type === 'entry') content.set(key!, value!);
  }
  return content;
}

/** The sequences of each shard, in order of appearance. */
export function sequencesOf(changes: readonly ChangeLine[]): Map<number, bigint[]> {
  const sequences = new Map<number, bigint[]>();
  for (const { type, shard, sequence } of changes) {
    if (type !== 'record') continue;
    const seen = sequences.get(shard!) ?? [];
    seen.push(BigInt(sequence!));
    sequences.set(shard!, seen);
  }
  return sequences;
}
