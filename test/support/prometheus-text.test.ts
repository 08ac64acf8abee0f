/** That the reader of Prometheus' text lets nothing through that promtool would not. */
import { describe, expect, it } from 'vitest';
import { parsePrometheus } from './prometheus-text.js';

const family = (name: string, type: string, ...lines: string[]) =>
  [`# HELP ${name} A text.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');

describe('the reader of Prometheus’ text', () => {
  it('reads labels and values', () => {
    const text = family(
      'a_seconds',
      'gauge',
      'a_seconds{x="1",y="\\"\\\\\\n"} 1.5e-7',
      'a_seconds{x="2"} -3',
    );
    expect(parsePrometheus(text).get('a_seconds')?.samples).toEqual([
      { labels: { x: '1', y: '\\"\\\\\\n' }, value: 1.5e-7 },
      { labels: { x: '2' }, value: -3 },
    ]);
  });

  it.each([
    ['no HELP', '# TYPE a gauge\na 1\n'],
    ['no TYPE', '# HELP a A text.\na 1\n'],
    ['no end of the last line', family('a', 'gauge', 'a 1').trimEnd()],
    ['another name below', family('a', 'gauge', 'b 1')],
    ['a sample twice', family('a', 'gauge', 'a{x="1"} 1', 'a{x="1"} 2')],
    ['a family twice', family('a', 'gauge', 'a 1') + family('a', 'gauge')],
    ['a quote that is not escaped', family('a', 'gauge', 'a{x="""} 1')],
    ['a value that is none', family('a', 'gauge', 'a NaN')],
    ['a counter below 0', family('a_total', 'counter', 'a_total -1')],
    ['a counter without _total', family('a', 'counter', 'a 1')],
    ['a gauge with _total', family('a_total', 'gauge', 'a_total 1')],
    ['a unit that is no base unit', family('a_ms', 'gauge', 'a_ms 1')],
    ['a capital letter', family('aB', 'gauge', 'aB 1')],
    ['a reserved ending', family('a_count', 'gauge', 'a_count 1')],
  ])('refuses %s', (_, text) => {
    expect(() => parsePrometheus(text)).toThrow();
  });
});
