/** Times as people write them. */

const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i;

/** The forms of a moment: Unix ms or ISO 8601. */
export const MOMENT_PATTERN = new RegExp(`^\\d{13}$|${ISO_TIME.source}`, 'i');

/** Returns the Unix ms of a time in ISO 8601, which is UTC where no zone is named; undefined: it is none. */
export function isoTimeMs(text: string): number | undefined {
  const [, date, time = '00:00', zone = 'Z'] = ISO_TIME.exec(text) ?? [];
  const midnightMs = Date.parse(`${date}T00:00Z`);
  const timeMs = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  // Where a month has no such day, Date continues into the next month.
  return timeMs >= 0 && new Date(midnightMs).toISOString().startsWith(`${date}`) ? timeMs : undefined;
}

/** Returns the Unix ms of a moment of either form; undefined: there is no such day. */
export function momentMs(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : isoTimeMs(text);
}
