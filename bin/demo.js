#!/usr/bin/env node
// `npm start`: a primary, a replica and a tap on this machine, each a process of its own, ready for redis-cli,
// until q or Ctrl-C. Two arguments are other ports, 0 any free one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { wrapWords } from '../dist/src/cli/terminal/columns.js';
import { terminalSize } from '../dist/src/cli/terminal/size.js';

const [primaryPort = '6380', replicaPort = '6381'] = process.argv.slice(2);
const bind = primaryPort === '0' ? '127.0.0.1:0' : '127.0.0.1:7631';
const COMPARE_EVERY_MS = 1000;
const fastcache = fileURLToPath(new URL('run.js', import.meta.url));
const children = [];
let ending = false;
let isTapShown = true;
let written = 0;
process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
// The reader of the output has gone: the servers end, too.
process.stdout.on('error', () => end(0));

const primary = start('primary', 'start', '--bind', bind, '--listen', `127.0.0.1:${primaryPort}`);
const { listen: primaryAddress } = await event(primary, 'ready');
const replica = start(
  ...['replica', 'follow', primaryAddress, '--name', 'replica', '--listen', `127.0.0.1:${replicaPort}`],
);
const [{ listen: replicaAddress }] = await Promise.all([
  event(replica, 'ready'),
  event(replica, 'caught-up'),
]);
const tap = start('replica', 'follow', primaryAddress, '--name', 'tap', '--no-listen', '--changes');
// A key that is set before the tap has caught up is in its snapshot, and is no change.
await event(tap, 'caught-up');

say(`A primary listens on ${primaryAddress}, a replica that follows it on ${replicaAddress}. Try:`);
console.log(`
  redis-cli -p ${portOf(primaryAddress)} set greeting hello
  redis-cli -p ${portOf(replicaAddress)} get greeting
  node bin/run.js top ${primaryAddress}
`);
say(
  'Any client of the Redis protocol will do. A tap follows as well, and its lines here are the changes that it has taken.',
);
console.log(`
Keys:
  s  sets a key
  w  shows watermarks: how far the replica and the tap are
  t  hides the tap, or shows it again
  q  ends all of them, as Ctrl-C does
`);
await showConvergence();
tap.lines.on('line', showChange);
await showWatermarks();
readKeys();
watch();

/** Acts on the keys that are pressed; in a terminal each at once. */
function readKeys() {
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', (keys) => {
    for (const key of keys) press(key);
  });
}

function press(key) {
  if (key === 's') {
    written += 1;
    ask(primaryAddress, 'SET', `demo:${written}`, new Date().toISOString());
  } else if (key === 'w') showWatermarks();
  else if (key === 't') {
    isTapShown = !isTapShown;
    console.log(isTapShown ? 'The tap is shown.' : 'The tap is hidden.');
  } else if (key === 'q' || key === '\u0003') end(0);
}

/** Shows how far the replica and the tap are, as `fastcache watermarks` does. */
async function showWatermarks() {
  console.log('');
  // It finds out itself how wide the terminal is.
  const child = spawn(process.execPath, [fastcache, 'watermarks', primaryAddress], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'close');
  console.log('');
}

/** Shows a line of the tap, which is an event where it is no change. */
function showChange(line) {
  const { op, key, value } = JSON.parse(line);
  if (op === undefined || !isTapShown) return;
  console.log(`tap: ${op} ${JSON.stringify(key)}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`);
}

function portOf(address) {
  return address.split(':').at(-1);
}

function start(...args) {
  const child = spawn(process.execPath, [fastcache, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.lines = createInterface({ input: child.stdout });
  child.once('exit', (code) => end(code ?? 1));
  children.push(child);
  return child;
}

/** Resolves when the process emits an event of this name. A fault is shown and ends the demo. */
function event(child, name) {
  return new Promise((resolve) => {
    const read = (line) => {
      const shown = JSON.parse(line);
      if (shown.error !== undefined && shown.event === undefined)
        console.error(`Error: ${shown.error.message}`);
      if (shown.event !== name) return;
      child.lines.off('line', read);
      resolve(shown);
    };
    child.lines.on('line', read);
  });
}

async function end(status) {
  if (ending) return;
  ending = true;
  const alive = children.filter((child) => child.exitCode === null && child.signalCode === null);
  for (const child of alive) child.kill('SIGTERM');
  await Promise.all(alive.map((child) => once(child, 'exit')));
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.exit(status);
}

/** Writes through the primary and waits until the replica shows it. */
async function showConvergence() {
  const value = `written ${new Date().toISOString()}`;
  const begun = performance.now();
  await ask(primaryAddress, 'SET', 'fastcache:demo', value);
  while (!(await ask(replicaAddress, 'GET', 'fastcache:demo')).includes(value)) {}
  const tookMs = (performance.now() - begun).toFixed(1);
  say(
    `fastcache:demo, set on the primary, was there on the replica ${tookMs} ms later (two new connections included).`,
  );
}

/** Says when the number of keys has changed, and that both sides have it. */
function watch() {
  let told = '';
  setInterval(async () => {
    const [ours, theirs] = await Promise.all(
      [primaryAddress, replicaAddress].map((address) => ask(address, 'DBSIZE')),
    );
    const isSame = ours === theirs ? ': the same' : '';
    const text = `primary: ${keysText(ours)}, replica: ${keysText(theirs)}${isSame}`;
    if (text !== told) console.log(text);
    told = text;
  }, COMPARE_EVERY_MS);
}

/** The reply to DBSIZE in words. */
function keysText(reply) {
  return reply === ':1' ? '1 key' : `${reply.slice(1)} keys`;
}

/** Writes a text, broken between words where the terminal is narrow. */
function say(text) {
  for (const line of wrapWords(text, terminalSize(process.stdout).columns)) console.log(line);
}

/** One command on a connection of its own; its reply as it came, without the last line break. */
function ask(address, ...args) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(portOf(address)), host: '127.0.0.1' });
    let reply = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      reply += text;
    });
    socket.on('end', () => resolve(reply.replace(/\+OK\r\n$/, '').trimEnd()));
    socket.on('error', (error) => (ending ? resolve('') : reject(error)));
    const words = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
    socket.write(`*${args.length}\r\n${words.join('')}*1\r\n$4\r\nQUIT\r\n`);
  });
}
