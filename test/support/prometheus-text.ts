/**
 * Prometheus' text format, read strictly, with the rules that `promtool check metrics` holds names to: a line
 * that does not fit throws.
 */

export interface PrometheusFamily {
  type: string;
  help: string;
  /** The samples; of a histogram, `series` says which of its series they are of. */
  samples: { labels: Record<string, string>; value: number; series?: string }[];
}

const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$`,
);
/** The units that promtool refuses: those that are no base units, and abbreviations. */
const UNITS =
  /_(milliseconds|microseconds|nanoseconds|ms|us|ns|minutes|hours|days|kilobytes|megabytes|kb|mb|bits|percent)(_|$)/;

/** Families by name, those without a sample included. */
export function parsePrometheus(text: string): Map<string, PrometheusFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, PrometheusFamily>();
  let help: { name: string; text: string } | undefined;
  let current: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, helped, helpText] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (helped !== undefined) {
      if (families.has(helped)) throw new Error(`${helped} comes twice`);
      help = { name: helped, text: helpText! };
    } else if (typed !== undefined) {
      if (help?.name !== typed) throw new Error(`no HELP before ${line}`);
      checkName(typed, type!);
      families.set(typed, { type: type!, help: help.text, samples: [] });
      current = typed;
    } else {
      addSample(families, line, current);
    }
  }
  return families;
}

function addSample(families: Map<string, PrometheusFamily>, line: string, current: string | undefined): void {
  const [, name, inBraces = '', ...rest] = SAMPLE.exec(line) ?? [];
  const family = families.get(current ?? '');
  const series = family?.type === 'histogram' ? /_(bucket|sum|count)$/.exec(name ?? '')?.[1] : undefined;
  const expected = series === undefined ? current : `${current}_${series}`;
  if (family === undefined || name !== expected) throw new Error(`not a sample of ${current}: ${line}`);
  if (family.type === 'histogram' && series === undefined) throw new Error(`no series: ${line}`);
  const labels = Object.fromEntries(
    [...inBraces.matchAll(new RegExp(LABEL, 'g'))].map(([, label, value]) => [label!, value!]),
  );
  const { samples, type } = family;
  const isSame = (other: Record<string, string>) => JSON.stringify(other) === JSON.stringify(labels);
  if (samples.some((sample) => sample.series === series && isSame(sample.labels)))
    throw new Error(`a second sample: ${line}`);
  const value = Number(rest.at(-1));
  if (!Number.isFinite(value) || (type === 'counter' && value < 0)) throw new Error(`no such value: ${line}`);
  samples.push({ labels, value, ...(series !== undefined && { series }) });
}

function checkName(name: string, type: string): void {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) throw new Error(`${name} is not in snake case`);
  if (name.endsWith('_total') !== (type === 'counter')) throw new Error(`${name} is a ${type}`);
  if (/_(count|sum|bucket|counter|gauge|metric)$/.test(name))
    throw new Error(`${name} ends in a reserved word`);
  if (UNITS.test(name)) throw new Error(`${name} is not in a base unit`);
}
