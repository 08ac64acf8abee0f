#!/usr/bin/env node
// `npm start`: a primary and a replica on this machine, each a process of its own, ready for redis-cli, until Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PRIMARY_PORT = 6380;
const REPLICA_PORT = 6381;
const COMPARE_EVERY_MS = 1000;
const fastcache = fileURLToPath(new URL('run.js', import.meta.url));
const children = [];
let ending = false;
process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));

const primary = start('primary', 'start');
await event(primary, 'ready');
const replica = start('replica', 'follow', `127.0.0.1:${PRIMARY_PORT}`);
await event(replica, 'caught-up');

console.log(`A primary listens on 127.0.0.1:${PRIMARY_PORT}, a replica that follows it on 127.0.0.1:${REPLICA_PORT}. Try:

  redis-cli -p ${PRIMARY_PORT} set greeting hello
  redis-cli -p ${REPLICA_PORT} get greeting
  node bin/run.js watermarks 127.0.0.1:${PRIMARY_PORT}
  node bin/run.js watch
  node bin/run.js top 127.0.0.1:${PRIMARY_PORT}

Any client of the Redis protocol will do. q ends top, Ctrl-C ends watch and, here, both servers.
`);
await showConvergence();
watch();

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
  process.exit(status);
}

/** Writes through the primary and waits until the replica shows it. */
async function showConvergence() {
  const value = `written ${new Date().toISOString()}`;
  const begun = performance.now();
  await ask(PRIMARY_PORT, 'SET', 'fastcache:demo', value);
  while (!(await ask(REPLICA_PORT, 'GET', 'fastcache:demo')).includes(value)) {}
  const tookMs = (performance.now() - begun).toFixed(1);
  console.log(
    `fastcache:demo, set on the primary, was there on the replica ${tookMs} ms later (two new connections included).`,
  );
}

/** Says when the number of keys has changed, and that both sides have it. */
function watch() {
  let told = '';
  setInterval(async () => {
    const [ours, theirs] = await Promise.all([PRIMARY_PORT, REPLICA_PORT].map((port) => ask(port, 'DBSIZE')));
    const text = `primary ${ours.slice(1)} keys, replica ${theirs.slice(1)} keys${ours === theirs ? ': the same' : ''}`;
    if (text !== told) console.log(text);
    told = text;
  }, COMPARE_EVERY_MS);
}

/** One command on a connection of its own; its reply as it came, without the last line break. */
function ask(port, ...args) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
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
