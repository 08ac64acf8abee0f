/** The keyed hash is SipHash-1-3: its published value, and a SipHash in bigints for every length. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const MASK = 0xffff_ffff_ffff_ffffn;
const INITIAL = [
  0x736f_6d65_7073_6575n,
  0x646f_7261_6e64_6f6dn,
  0x6c79_6765_6e65_7261n,
  0x7465_6462_7974_6573n,
] as const;

/** SipHash with one round a word and three at the end, as its paper has it. */
function sipHash(secret: bigint, input: Buffer): bigint {
  const [low, high] = [secret & MASK, secret >> 64n];
  let [v0, v1, v2, v3] = [low ^ INITIAL[0], high ^ INITIAL[1], low ^ INITIAL[2], high ^ INITIAL[3]];
  const rotate = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & MASK;
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v2 = (v2 + v3) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v1) & MASK;
    v0 = (v0 + v3) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = rotate(v2, 32n);
  };
  const padded = Buffer.alloc((Math.floor(input.length / 8) + 1) * 8);
  input.copy(padded);
  padded[padded.length - 1] = input.length;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let rounds = 0; rounds < 3; rounds++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function hashed(secret: bigint, input: Buffer): bigint {
  const { kernel } = newEngine({ secret });
  const address = kernel.allocate(input.length + 8);
  kernel.bytes.set(input, address);
  return BigInt.asUintN(64, kernel.exports.keyedHash!(address, input.length));
}

it('has the value that is published for the key 00 01 … 0f and no bytes', () => {
  const secret = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n;
  expect(hashed(secret, Buffer.alloc(0))).toBe(0xabac_0158_050f_c4dcn);
});

it('is SipHash-1-3 under both words of the secret, for every length', () => {
  const random = new RandomSource(13);
  for (let bytes = 0; bytes <= 300; bytes += bytes < 40 ? 1 : 37) {
    const secret = random.bytes(16).reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
    const input = Buffer.from(random.bytes(bytes));
    expect(hashed(secret, input), `${bytes} bytes`).toBe(sipHash(secret, input));
  }
});
