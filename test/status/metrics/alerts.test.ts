/** The alert rules: they ask for metrics that exist, the page and the package have them, and they fire. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metricNames, metricsIn } from '../../support/metric-names.js';
import { repositoryRoot } from '../../support/processes.js';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');
const rules = read('src/status/alerts.yml');
const alerts = Array.from(rules.matchAll(/- alert: (\w+)$/gm), ([, name]) => name!);
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

it('ask for metrics that there are', () => {
  const expressions = Array.from(rules.matchAll(/^ +expr: (.+)$/gm), ([, expression]) => expression!);
  expect(expressions).toHaveLength(alerts.length);
  expect([...metricsIn(expressions)].filter((name) => !metricNames().includes(name))).toEqual([]);
});

it('are described one by one, tested one by one, and in the package', () => {
  const page = read('docs/operations.md');
  const described = Array.from(page.matchAll(/^\| `(Fastcache\w+)` \|/gm), ([, name]) => name!);
  expect(described).toEqual(alerts);
  const tests = read('test/status/metrics/alerts.promtool.yml');
  const tested = Array.from(tests.matchAll(/alertname: (\w+)$/gm), ([, name]) => name!);
  expect(new Set(tested)).toEqual(new Set(alerts));
  expect(JSON.parse(read('package.json')).files).toContain('src/status/alerts.yml');
});

it.skipIf(!hasPromtool)('fire when they should, by promtool', () => {
  const promtool = (...args: string[]) =>
    execFileSync('promtool', args, { cwd: repositoryRoot, encoding: 'utf8', stdio: 'pipe' });
  expect(promtool('check', 'rules', 'src/status/alerts.yml')).toContain(`${alerts.length} rules found`);
  expect(promtool('test', 'rules', 'test/status/metrics/alerts.promtool.yml')).toContain('SUCCESS');
});
