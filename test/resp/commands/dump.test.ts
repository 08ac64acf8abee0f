/**
 * DUMP and RESTORE: the bytes of Redis' own dumps, both ways with a live redis-server, and hostile
 * payloads.
 */
import '../../support/debug-kernel.js';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_VALUE_BYTES, Oracle, TestCommandHost, wordsOf } from '../../support/command-host.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { RedisServer, redisServer } from '../../support/redis.js';
import { RespClient, respCommand } from '../../support/resp-client.js';
import { parseWire } from '../../support/resp-wire.js';

const KEY = Buffer.from('key');

/** The answers of redis-server 7.0.15 to DUMP of a value. */
const GOLDEN: readonly (readonly [value: string, payload: string])[] = [
  ['0', '00c0000a009840a778f8500308'],
  ['-1', '00c0ff0a000c937e2485089dc5'],
  ['127', '00c07f0a000db5eb315254c514'],
  ['128', '00c180000a00eb7ab3b510cf4b65'],
  ['-129', '00c17fff0a001760822854808480'],
  ['32767', '00c1ff7f0a00495a37da17f4d52b'],
  ['-32769', '00c2ff7fffff0a00aee34c4d06c68536'],
  ['2147483647', '00c2ffffff7f0a002c74e59ee02eada1'],
  ['2147483648', '000a323134373438333634380a00e7b129a34c1d76ee'],
  ['-2147483648', '00c2000000800a00c74f873e33558187'],
  ['007', '00033030370a007258e27b4c69bad9'],
  ['', '00000a005d9b5c400f7fa2da'],
  ['a'.repeat(20), '001461616161616161616161616161616161616161610a0083b46b5e1b11acf1'],
  ['a'.repeat(21), '00c30615016161e00a000a00fd0cb36807413f68'],
  ['a'.repeat(100), '00c3094064016161e057000161610a00e8a3b507b06df271'],
  ['abc'.repeat(40), '00c30b40780361626361e069020162630a00c494a1702ae23e06'],
  [
    'hello world, hello world, hello world',
    '00c315250d68656c6c6f20776f726c642c2068e00c0c016c640a00a8bec18e27b98196',
  ],
];

/** Of redis-server 8.2.3, whose version is 12; and values of other types. */
const OF_OTHERS: readonly (readonly [what: string, payload: string, answer: string])[] = [
  ['a string of 8.2', '00c30b40780361626361e069020162630c000fe295b0d0c8a04f', '+OK\r\n'],
  ['a list', '1201020a0a0000000100816102ff0a0009b9edf594ded995', refusalOf('list')],
  ['a set', '0202c00101610a00b064e3d36cb07eb6', refusalOf('set')],
  ['a set of 8.2', '140c0c00000002008161020101ff0c0042e9698050aecf88', refusalOf('set')],
  ['a sorted set', '110c0c00000002008161020101ff0a00a805ceb8d7a93302', refusalOf('sorted set')],
  ['a hash', '100d0d0000000200816102816202ff0a00d93c7f0728f0edcc', refusalOf('hash')],
];

function refusalOf(type: string): string {
  return `-ERR The payload is a ${type}, and this server holds strings only\r\n`;
}

function restore(host: TestCommandHost, payload: Buffer, ...options: string[]): string {
  const args = [
    Buffer.from('RESTORE'),
    KEY,
    Buffer.from('0'),
    payload,
    ...options.map((o) => Buffer.from(o)),
  ];
  return host.answer(args, host.newClient()).toString('latin1');
}

/** Values of every length and of every use of LZF: runs, near and far matches, short and long ones. */
function someValue(random: RandomSource): Buffer {
  const parts = Array.from({ length: random.between(0, 12) }, () => {
    const part = random.bytes(random.skewed(400));
    return random.chance(0.5) ? Buffer.concat(Array(random.between(1, 30)).fill(part)) : part;
  });
  return Buffer.concat([...parts, ...(random.chance(0.5) ? parts : [])]);
}

describe('DUMP and RESTORE', () => {
  it.each(GOLDEN)('of %s are the bytes of Redis', (value, payload) => {
    const host = new TestCommandHost();
    host.engine.set(KEY, Buffer.from(value));
    expect(host.engine.values.dumps.dump(KEY)!.toString('hex')).toBe(payload);
    expect(restore(host, Buffer.from(payload, 'hex'), 'REPLACE')).toBe('+OK\r\n');
    expect(host.engine.get(KEY)!.toString()).toBe(value);
  });

  it.each(OF_OTHERS)('%s', (_, payload, answer) => {
    expect(restore(new TestCommandHost(), Buffer.from(payload, 'hex'))).toBe(answer);
  });

  it('give back each value', () => {
    const host = new TestCommandHost();
    const random = new RandomSource(5);
    for (let round = 0; round < 300; round++) {
      const value = someValue(random);
      host.engine.set(KEY, value);
      const payload = host.engine.values.dumps.dump(KEY)!;
      expect(payload.length).toBeLessThan(value.length + 20);
      host.engine.del(KEY);
      expect(restore(host, payload)).toBe('+OK\r\n');
      expect(host.engine.get(KEY)!.equals(value)).toBe(true);
    }
  });

  it('a key counts as used as often as FREQ says, under a policy that counts uses', () => {
    const host = new TestCommandHost();
    host.engine.limitMemory({ maxBytes: 0, policy: 'allkeys-lfu' });
    const payload = Buffer.from(GOLDEN[0]![1], 'hex');
    expect(restore(host, payload, 'FREQ', '200')).toBe('+OK\r\n');
    expect(host.engine.uses.frequency(KEY)).toBe(200);
    expect(restore(host, payload, 'REPLACE', 'IDLETIME', '5000')).toBe('+OK\r\n');
    // Seconds are no count, and what was there before does not leave its own: it is that of a new key.
    expect(host.engine.uses.frequency(KEY)).toBe(5);
  });

  it('a key is as idle as IDLETIME says, and expires when its time says', () => {
    const host = new TestCommandHost();
    const payload = Buffer.from(GOLDEN[0]![1], 'hex');
    expect(restore(host, payload, 'IDLETIME', '5000')).toBe('+OK\r\n');
    expect(host.engine.uses.idleSeconds(KEY)).toBe(5000);
    expect(restore(host, payload, 'REPLACE', 'FREQ', '200')).toBe('+OK\r\n');
    expect(host.engine.uses.idleSeconds(KEY)).toBe(0);
    const client = host.newClient();
    const [command, key] = wordsOf('RESTORE key');
    const answer = (time: string, ...options: string[]) =>
      host
        .answer([command!, key!, Buffer.from(time), payload, ...options.map((o) => Buffer.from(o))], client)
        .toString();
    expect(answer('1500')).toBe('-BUSYKEY Target key name already exists.\r\n');
    expect(answer('1500', 'REPLACE')).toBe('+OK\r\n');
    expect(host.engine.expiryOf(KEY)).toBe(BigInt(host.clock.ms) + 1500n);
    expect(answer('1900000000123', 'absttl', 'replace')).toBe('+OK\r\n');
    expect(host.engine.expiryOf(KEY)).toBe(1_900_000_000_123n);
    expect(answer('1', 'ABSTTL', 'REPLACE')).toBe('+OK\r\n');
    expect(host.engine.get(KEY)).toBeUndefined();
    // Redis counts on from the smallest number, and the key is gone.
    expect(answer('9223372036854775807')).toBe("-ERR invalid expire time in 'restore' command\r\n");
  });
});

describe('a hostile payload', () => {
  const host = new TestCommandHost();
  const { exports } = host.engine.kernel;

  /** A payload with the checksum that belongs to it. */
  function sealed(content: Buffer, version = 10): Buffer {
    const payload = Buffer.concat([content, Buffer.of(version & 0xff, version >> 8), Buffer.alloc(8)]);
    const address = host.engine.kernel.allocate(payload.length);
    host.engine.kernel.bytes.set(payload, address);
    const checksum = exports.crc64(0n, address, payload.length - 8);
    exports.release(address);
    payload.writeBigUInt64LE(BigInt.asUintN(64, checksum), payload.length - 8);
    return payload;
  }

  it.each([
    ['a length beyond the bytes', '000561'],
    ['a length below the bytes', '00016161'],
    ['a length of 64 bits', '0081ffffffffffffffff61'],
    ['a length of 32 bits that is cut off', '0080ffff'],
    ['an integer that is cut off', '00c201'],
    ['an integer with more behind it', '00c00100'],
    ['an unknown encoding', '00c4'],
    ['nothing behind the type', '00'],
    ['an unknown type', 'ff00'],
    ['nothing at all', ''],
    ['a match before the first byte', '00c30305200000'],
    ['a run beyond the end', '00c30205041f'],
    ['less than it claims', '00c3020900 61'.replace(' ', '')],
    ['more than it claims', '00c30201036161'],
    ['a match that is cut off', '00c3030a0061e0'],
    ['compressed bytes beyond the end', '00c320200061'],
  ])('with %s is malformed', (_, content) => {
    expect(restore(host, sealed(Buffer.from(content, 'hex')))).toBe('-ERR Bad data format\r\n');
    expect(host.engine.get(KEY)).toBeUndefined();
  });

  it.each([1, 9, 11, 12])('of version %i is read', (version) => {
    expect(restore(host, sealed(Buffer.from('000161', 'hex'), version), 'REPLACE')).toBe('+OK\r\n');
    host.engine.del(KEY);
  });

  it('of a later version, of another checksum or too short is refused', () => {
    const refusal = '-ERR DUMP payload version or checksum are wrong\r\n';
    expect(restore(host, sealed(Buffer.from('000161', 'hex'), 13))).toBe(refusal);
    const damaged = sealed(Buffer.from('000161', 'hex'));
    damaged[2]! ^= 1;
    expect(restore(host, damaged)).toBe(refusal);
    expect(restore(host, Buffer.alloc(9))).toBe(refusal);
    expect(restore(host, Buffer.alloc(0))).toBe(refusal);
  });

  it('that claims to expand beyond the longest value takes no memory for it', () => {
    const before = host.engine.memory().allocated;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(0xffff_fff0);
    const bomb = Buffer.concat([Buffer.from('00c30480', 'hex'), length, Buffer.from('0061e0ff', 'hex')]);
    expect(() => restore(host, sealed(bomb))).toThrow('A key or value may have');
    expect(host.engine.memory().allocated - before).toBeLessThan(1024 * 1024);
  });

  it('of any bytes leaves the store as it was, or is a value that its length bounds', () => {
    const heads = fc.constantFrom('00c3', '00', '00c340', '0080000000', '00c2');
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 80 }), (head, rest) => {
        host.engine.del(KEY);
        const payload = sealed(Buffer.concat([Buffer.from(head, 'hex'), rest]));
        let answer: string;
        try {
          answer = restore(host, payload);
        } catch {
          answer = 'too long';
        }
        const value = host.engine.get(KEY);
        expect(value !== undefined).toBe(answer === '+OK\r\n');
        expect(value?.length ?? 0).toBeLessThanOrEqual(MAX_VALUE_BYTES);
        host.engine.kernel.invariants();
      }),
      { numRuns: 500 },
    );
  });
});

describeWith(redisServer, 'beside redis-server', () => {
  let redis: RespClient;
  let server: RedisServer;
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
    server = await RedisServer.start();
    redis = await RespClient.connect(`127.0.0.1:${server.port}`);
  });
  afterAll(() => redis.close());

  async function ask(...args: (string | Buffer)[]): Promise<Buffer> {
    redis.write(respCommand(...args));
    return Buffer.from(parseWire(await redis.rawReply()).text ?? '', 'latin1');
  }

  it('each reads the dumps of the other', async () => {
    const host = new TestCommandHost();
    const random = new RandomSource(6);
    for (let round = 0; round < 150; round++) {
      const value = round % 3 === 0 ? Buffer.from(String(random.between(-3e9, 3e9))) : someValue(random);
      host.engine.set(KEY, value);
      await ask('SET', 'key', value);
      const theirs = await ask('DUMP', 'key');
      const ours = host.engine.values.dumps.dump(KEY)!;
      expect((await ask('RESTORE', 'key', '0', ours, 'REPLACE')).toString()).toBe('OK');
      expect((await ask('GET', 'key')).equals(value)).toBe(true);
      expect(restore(host, theirs, 'REPLACE')).toBe('+OK\r\n');
      expect(host.engine.get(KEY)!.equals(value)).toBe(true);
      expect(ours.length).toBe(theirs.length);
    }
  });

  it('answers as Redis to what is wrong', async () => {
    const payload = '"\\x00\\xc0\\x00\\x0a\\x00\\x98\\x40\\xa7\\x78\\xf8\\x50\\x03\\x08"';
    await oracle.expectAlike([
      'DUMP nosuch',
      `RESTORE a 0 ${payload}`,
      'GET a',
      'DUMP a',
      `RESTORE a 0 ${payload}`,
      `RESTORE a x ${payload}`,
      `RESTORE b x ${payload}`,
      `RESTORE b -1 ${payload}`,
      `RESTORE b 9223372036854775808 ${payload}`,
      `RESTORE b 1 ${payload} ABSTTL`,
      'EXISTS b',
      `RESTORE a 1 ${payload} ABSTTL REPLACE`,
      'EXISTS a',
      `RESTORE b 0 ${payload} NOSUCH`,
      `RESTORE b 0 ${payload} IDLETIME`,
      `RESTORE b 0 ${payload} IDLETIME x`,
      `RESTORE b 0 ${payload} IDLETIME -1`,
      `RESTORE b 0 ${payload} FREQ 256`,
      `RESTORE b 0 ${payload} FREQ -1`,
      `RESTORE b 0 ${payload} FREQ x`,
      `RESTORE b 0 ${payload} FREQ 5 IDLETIME 5`,
      `RESTORE b 0 ${payload} IDLETIME 5 FREQ 5`,
      `RESTORE b 0 ${payload} FREQ 5 FREQ 6 replace absttl`,
      'RESTORE c 0 garbage',
      "RESTORE c 0 ''",
      'RESTORE c 0',
    ]);
  });
});
