/** Both libraries behind one interface, each with the other's frames. */
import { describe, expect, it } from 'vitest';
import { nodeLibrary, packageLibrary, type ZstdLibrary } from '../../src/frame/zstd-library.js';

const libraries: [string, ZstdLibrary][] = [['zstd-napi', packageLibrary()]];
const ofNode = nodeLibrary();
if (ofNode !== undefined) libraries.push(["Node's", ofNode]);
const pairs = libraries.flatMap(([by, one]) =>
  libraries.map(([read, other]) => [by, read, one, other] as const),
);

function compressed(library: ZstdLibrary, content: Uint8Array, level = 3): Buffer {
  const target = Buffer.alloc(library.compressBound(content.length));
  return target.subarray(0, library.compress(target, content, level));
}

/** Content of which no byte can be spared, so that it takes the bound's room. */
function noise(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  let state = 1;
  for (let i = 0; i < bytes; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    content[i] = state >>> 24;
  }
  return content;
}

describe.each(pairs)('a frame of %s, read by %s', (_by, _read, one, other) => {
  it.each([0, 1, 1_000, 131_071, 131_072, 3_000_000])('with %i bytes', (bytes) => {
    for (const content of [noise(bytes), Buffer.alloc(bytes, 'again ')]) {
      for (const level of [1, 3, 19]) {
        const target = Buffer.alloc(bytes);
        expect(other.decompress(target, compressed(one, content, level))).toBe(bytes);
        expect(target.equals(content)).toBe(true);
      }
    }
  });

  it('says its size', () => {
    // RFC 8878, 3.1.1.1.1: a single segment, or a size of two bytes or more.
    const descriptor = compressed(one, noise(5_000))[4]!;
    expect(descriptor & 0xe0).not.toBe(0);
  });

  it('is not read beyond the room that there is', () => {
    const content = Buffer.alloc(1_000_000, 'x');
    const target = Buffer.alloc(999_999);
    expect(other.decompress(target, compressed(one, content))).toBeUndefined();
  });
});

describe.each(libraries)('%s', (_name, library) => {
  it('throws where a frame is damaged', () => {
    const frame = compressed(library, Buffer.alloc(10_000, 'a sentence that comes again; '));
    frame[frame.length - 3]! ^= 0xff;
    frame[12]! ^= 0xff;
    expect(() => library.decompress(Buffer.alloc(10_000), frame)).toThrow();
  });
});
