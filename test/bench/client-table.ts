/** The table of what clients were served, as `npm run bench` prints it. */
import type { ClientFigure, Ratio, ServerFigure } from './clients.js';

/** Prints a line for each row, and one more beside another redis-server where there is one. */
export function printClients(figures: readonly ClientFigure[]): void {
  console.log(
    '\nredis-benchmark, 50 clients, one replica each; medians of the rounds, ratios with their spread:',
  );
  console.log('                          requests/s        p50, p99 ms      CPU us    beside it');
  for (const { test, valueBytes, pipeline, fastcache, redis, ratio, otherRedis, otherRatio } of figures) {
    const name = `${test} ${valueBytes} B P${pipeline}`.padEnd(18);
    console.log(`  ${name}${cells('fastcache', fastcache)}`);
    console.log(`  ${' '.repeat(18)}${cells('redis', redis)}   ${spread(ratio)}`);
    if (otherRedis === undefined || otherRatio === undefined) continue;
    console.log(`  ${' '.repeat(18)}${cells('other', otherRedis)}   ${spread(otherRatio)}`);
  }
}

/** Renders a number with commas between thousands. */
export function thousands(rate: number): string {
  return Math.round(rate).toLocaleString('en-US');
}

function cells(name: string, { perSecond, p50Ms, p99Ms, cpuUs }: ServerFigure): string {
  const latency = `${p50Ms.toFixed(2)}, ${p99Ms.toFixed(2)}`.padStart(17);
  return `${name.padEnd(10)}${thousands(perSecond).padStart(11)}${latency}${(cpuUs?.toFixed(2) ?? '?').padStart(10)}`;
}

function spread({ median, least, most }: Ratio): string {
  return `x${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
