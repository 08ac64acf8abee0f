/**
 * The value of `notify-keyspace-events`: which classes of events are published, in the letters of Redis.
 */
import { type Format, Refusal } from './setting-formats.js';

/** The letters that are set; `A` stands for all of ALL and is not among them. */
export type EventClasses = ReadonlySet<string>;

/**
 * The letters that `A` stands for. Only `g`, `$`, `x` and `e` have events here, for there are strings only.
 */
const ALL = ['g', '$', 'l', 's', 'h', 'z', 'x', 'e', 't', 'd'];
/** New keys, the two sorts of channels, and reads that find no key. */
const OTHERS = ['n', 'K', 'E', 'm'];
const KNOWN = new Set([...ALL, ...OTHERS]);

/** Reads the letters; undefined when there is another one among them. */
export function parseEventClasses(text: string): EventClasses | undefined {
  const letters = [...text].flatMap((letter) => (letter === 'A' ? ALL : [letter]));
  return letters.every((letter) => KNOWN.has(letter)) ? new Set(letters) : undefined;
}

/** How CONFIG spells them. As in Redis, `n` is not shown beside `A`, though it counts. */
export const eventClasses: Format<EventClasses> = {
  parse: (bytes) =>
    parseEventClasses(bytes.toString('latin1')) ??
    new Refusal("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
  show: (classes) => {
    const hasAll = ALL.every((letter) => classes.has(letter));
    const shown = hasAll ? OTHERS.filter((letter) => letter !== 'n') : [...ALL, ...OTHERS];
    return (hasAll ? 'A' : '') + shown.filter((letter) => classes.has(letter)).join('');
  },
};
