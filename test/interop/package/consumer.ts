/** A strict program of somebody who has the package: compilers of several versions take it, none runs it. */
import { decodeFrame, FastcacheError, type KeyChange, Primary, Replica, Server } from 'fastcache';
import * as frames from 'fastcache/frames';

interface Flag {
  on: boolean;
}
const primary: Primary<Flag> = await Primary.start({ bind: '127.0.0.1:0', listen: false, codec: 'json' });
primary.set('a', { on: true }, { ttlMs: 5 });
const texts = await Primary.start({ codec: 'text' });
const text: string | undefined = texts.get('a');
const bytes = await Server.start();
const raw: Uint8Array | undefined = bytes.get(new Uint8Array(2));
bytes.set('key', 'text');
const replica = await Replica.follow<'json', Flag>(primary.bindAddress, { codec: 'json' });
for await (const change of replica.changes({ prefix: 'x' })) {
  const c: KeyChange<Flag> = change;
  if (c.type === 'set') c.value.on satisfies boolean;
}
replica.on('caught-up', ({ watermarks }) => watermarks.length);
// @ts-expect-error there is no such event
replica.on('nothing', () => {});
// @ts-expect-error there is no such option
await Primary.start({ bindd: ':0' });
// @ts-expect-error no flag
primary.set('a', 5);
await replica.close();
decodeFrame(new Uint8Array(5)).payload satisfies Uint8Array;
new FastcacheError('CLOSED', 'x').code satisfies string;

export { frames, raw, text };
