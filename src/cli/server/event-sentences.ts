/** The events of servers as sentences for a person. */
import type { NodeEvents } from '../../server/events.js';
import { escapeText } from '../terminal/escape.js';
import { countText, formatNumber, shortDuration } from '../terminal/text.js';

const TEXT_COLUMNS = 200;

/** The measure against content that differs, by the event's `action`. */
const consequences: Readonly<Record<NodeEvents['diverged']['action'], string>> = {
  resync: 'a snapshot replaces it',
  stop: 'it follows no more',
  log: 'nothing is done about it',
};

type Sentences = { readonly [Name in Exclude<keyof NodeEvents, 'log'>]: (event: NodeEvents[Name]) => string };

const sentences: Sentences = {
  shutdown: () => 'a client has sent SHUTDOWN',
  promoted: ({ history }) => `takes writes from now on, in history ${escapeText(history)}`,
  demoted: ({ primary }) => `follows ${escapeText(primary)} from now on, and takes no writes`,
  connecting: ({ attempt }) => `connects to its primary, attempt ${formatNumber(attempt)}`,
  resync: ({ reason }) => `the content cannot be continued, and a snapshot takes its place: ${words(reason)}`,
  snapshot: ({ entries, primaryKeys }) => {
    const keys = countText(entries, 'key has', 'keys have');
    return `${keys} come of the snapshot${primaryKeys === undefined ? '' : ` of ${formatNumber(primaryKeys)}`}`;
  },
  live: ({ primaryIsOurs }) => `follows its primary${primaryIsOurs ? '' : ', a Rust server'}`,
  'caught-up': () => 'has all that the primary had when it answered',
  'foreign-history': ({ error }) => words(error.message),
  diverged: ({ shards, action }) =>
    `its content is not what it should be, in shards ${shards.join(', ')}: ${consequences[action]}`,
  lost: ({ error, retryInMs }) =>
    `has lost its primary, and tries again in ${shortDuration(Math.round(retryInMs))}: ${words(error.message)}`,
  refused: ({ error }) => `the primary refuses it: ${words(error.message)}`,
  stopped: ({ error }) => (error === undefined ? 'has stopped' : `has stopped: ${words(error.message)}`),
};

/** Returns the sentence of an event; an empty text for one of another name. */
export function eventSentence(event: { readonly event: string }): string {
  const sentence = sentences[event.event as keyof Sentences] as ((event: unknown) => string) | undefined;
  return sentence?.(event) ?? '';
}

function words(text: string): string {
  return escapeText(text).slice(0, TEXT_COLUMNS);
}
