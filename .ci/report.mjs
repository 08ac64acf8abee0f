/**
 * `node report.mjs FOLDER STEP…`: sums the vitest reports in a folder (`NAME.json` of the step NAME), given the steps
 * that failed. It lists the failures again, so that the end of a log is enough; the last line has the counts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const MESSAGE_LINES = 40;

const [folder, ...brokenSteps] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
const toldSteps = new Set();

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'));
  const step = file.slice(0, -'.json'.length);
  sum.passed += report.numPassedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  for (const testFile of report.testResults) tellFailures(step, testFile);
}
// A step that failed without a failed test in a report (a build, a crash) counts as one failure.
sum.failed += brokenSteps.filter((step) => !toldSteps.has(step)).length;

if (brokenSteps.length > 0) console.log(`\nfailed: ${brokenSteps.join(', ')}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 ? 1 : 0;

function tellFailures(step, { name, status, message, assertionResults }) {
  const place = `${step}: ${relative('.', name)}`;
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) tell(step, `${place}: ${test.fullName}`, test.failureMessages.join('\n'));
  // A file that does not load has no test to fail.
  if (status === 'failed' && failed.length === 0) tell(step, place, message);
}

function tell(step, place, message) {
  toldSteps.add(step);
  sum.failed += 1;
  console.log(`\nFAILED ${place}`);
  for (const line of message.split('\n').slice(0, MESSAGE_LINES)) console.log(`  ${line}`);
}
