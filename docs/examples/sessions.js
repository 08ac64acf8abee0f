// Sessions of a web server: a primary in its process keeps them, and a replica elsewhere has a copy.
//
//   node sessions.js 8080 127.0.0.1:6380
//   curl -i -X POST 'http://127.0.0.1:8080/?name=ada'
//   curl -b session=… http://127.0.0.1:8080/
//   fastcache replica follow 127.0.0.1:6380
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Primary } from 'fastcache';

const SESSION_MS = 30 * 60 * 1000;
const [port = '8080', listen = '127.0.0.1:6380'] = process.argv.slice(2);
const sessions = await Primary.start({ bind: '127.0.0.1:0', listen, codec: 'json' });

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const id = /\bsession=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
  if (pathname !== '/') response.writeHead(404).end();
  else if (request.method === 'POST') logIn(searchParams.get('name') ?? 'nobody', response);
  else if (request.method === 'DELETE') logOut(id, response);
  else greet(id, response);
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}, replicas on ${sessions.listenAddress}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);

function logIn(name, response) {
  const id = randomBytes(16).toString('hex');
  sessions.set(`session:${id}`, { name, visits: 0 }, { ttlMs: SESSION_MS });
  response.writeHead(201, { 'set-cookie': `session=${id}; HttpOnly; SameSite=Lax` }).end();
}

/** Each visit gives the session its whole time again. */
function greet(id, response) {
  const session = sessions.get(`session:${id}`);
  if (session === undefined) return response.writeHead(401).end('Log in first.\n');
  const { name, visits } = session;
  sessions.set(`session:${id}`, { name, visits: visits + 1 }, { ttlMs: SESSION_MS });
  response.end(`Hello ${name}, visit ${visits + 1}.\n`);
}

function logOut(id, response) {
  response.writeHead(sessions.del(`session:${id}`) ? 204 : 401).end();
}

async function end() {
  server.close();
  server.closeAllConnections();
  await sessions.close();
}
