// Change capture: writes each change as a line of JSON, and goes on after a restart where it was.
//
//   fastcache primary start
//   node change-capture.js 127.0.0.1:6380 changes.ndjson
import { open } from 'node:fs/promises';
import { Replica } from 'fastcache';

const [address = '127.0.0.1:6380', file = 'changes.ndjson'] = process.argv.slice(2);
const output = await open(file, 'a');
let lines = [];

const replica = await Replica.follow(address, {
  // The state says how far the file is. It is saved after `flush`, so nothing is left out; after a crash
  // the last second of changes may come twice.
  state: `${file}.state`,
  changes: { take, flush: write },
});
replica.once('caught-up', () => console.log('caught up'));
replica.once('stopped', ({ error }) => {
  if (error !== undefined) throw error;
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);

/** Keys and values are views, which are read here and not kept. */
function take(change) {
  const { type, op } = change;
  const line = { type, op, key: change.key?.toString(), value: change.value?.toString() };
  lines.push(JSON.stringify(line));
  return lines.length < 1000 ? undefined : write();
}

async function write() {
  if (lines.length === 0) return;
  const text = `${lines.join('\n')}\n`;
  lines = [];
  await output.appendFile(text);
  await output.datasync();
}

async function end() {
  await replica.close();
  await output.close();
}
