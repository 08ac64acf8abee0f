/** Keys and values that are texts are those whose UTF-8 bytes they have. */
import { describe, expect, it } from 'vitest';
import { newEngine } from '../support/engines.js';

const TEXTS: [string, string][] = [
  ['an empty text', ''],
  ['a short one', 'key:000000000001'],
  ['a short one with another script at its end', `key:${'ß漢🙂'}`],
  ['64 units', 'k'.repeat(64)],
  ['65 units', 'k'.repeat(65)],
  ['64 units of three bytes', '漢'.repeat(64)],
  ['one that is larger than the buffer for keys', 'é'.repeat(100_000)],
  ['half a pair', 'x\ud83d'],
];

describe.each(TEXTS)('%s', (_, text) => {
  it('is the key of its bytes', () => {
    const engine = newEngine();
    engine.set(text, 'value');
    expect(engine.get(Buffer.from(text))?.toString()).toBe('value');
    expect(engine.get(text)?.toString()).toBe('value');
    expect(engine.expire(text, 1n)).toBe(true);
    engine.set(Buffer.from(text), 'other');
    expect(engine.del(text)).toBe(true);
    expect(engine.keyCount()).toBe(0);
  });

  it('is a value of its bytes, whatever the key', () => {
    const engine = newEngine();
    for (const key of ['short', '漢'.repeat(64), 'k'.repeat(70_000)]) {
      engine.set(key, text);
      expect(engine.get(key)?.equals(Buffer.from(text))).toBe(true);
    }
  });
});
