/**
 * The libraries that compress, and the only file that knows them: the native addon zstd-napi, or the zstd of
 * Node itself (22.15 and later) where the addon is not there. One is loaded when the first payload wants it:
 * many a node never compresses nor is sent anything compressed.
 */
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import type Binding from 'zstd-napi/binding.js';
import { FastcacheError } from '../errors.js';

/** One payload at a time, into memory of the caller's. */
export interface ZstdLibrary {
  /** The most that a compression of so many bytes can take. */
  compressBound(bytes: number): number;
  /** Compresses into one data frame, which says the size of its content; returns the frame's bytes. */
  compress(target: Buffer, content: Uint8Array, level: number): number;
  /**
   * Decompresses one data frame; returns the content's bytes, or undefined when it is larger than `target`.
   * Throws an `Error` of the library's where the frame cannot be read.
   */
  decompress(target: Buffer, frame: Uint8Array): number | undefined;
}

let loaded: ZstdLibrary | undefined;

/** Loads a library unless one is loaded. Throws `ZSTD_MISSING`. */
export function zstdLibrary(): ZstdLibrary {
  loaded ??= loadLibrary();
  return loaded;
}

function loadLibrary(): ZstdLibrary {
  try {
    return packageLibrary();
  } catch (cause) {
    const library = nodeLibrary();
    if (library !== undefined) return library;
    throw new FastcacheError(
      'ZSTD_MISSING',
      'Compressed frames need zstd: the package zstd-napi cannot be loaded here, and this Node has no zstd. ' +
        '`npm rebuild zstd-napi` compiles the package (it needs a C++ compiler); Node 22.15 and later have zstd.',
      { cause },
    );
  }
}

/**
 * The package's. It uses the low-level binding, because the convenient one allocates whatever size the data
 * claim. Throws where the package is not installed, or not compiled.
 */
export function packageLibrary(): ZstdLibrary {
  const binding = createRequire(import.meta.url)('zstd-napi/binding.js') as typeof Binding;
  const compressor = new binding.CCtx();
  const decompressor = new binding.DCtx();
  return {
    compressBound: (bytes) => binding.compressBound(bytes),
    compress: (target, content, level) => compressor.compress(target, content, level),
    decompress(target, frame) {
      try {
        return decompressor.decompress(target, frame);
      } catch (cause) {
        if (String(cause).includes('too small')) return undefined;
        throw cause;
      }
    },
  };
}

/** The functions that are used of `node:zlib`; the types of Node 20 do not have them. */
interface ZstdOfNode {
  zstdCompressSync(content: Uint8Array, options: object): Buffer;
  zstdDecompressSync(frame: Uint8Array, options: object): Buffer;
  constants: { ZSTD_c_compressionLevel: number; ZSTD_d_windowLogMax: number };
}

/**
 * The window that a decoder should take in any case: 8 MiB. Content that is announced as larger may have a
 * window of its own size, so that a small frame can't have more memory than that allocated.
 */
const WINDOW_MIN_LOG = 23;
const WINDOW_MAX_LOG = 31;

/** Node's own; undefined where Node has none. */
export function nodeLibrary(): ZstdLibrary | undefined {
  if (!('zstdCompressSync' in zlib)) return undefined;
  const ofNode = zlib as unknown as ZstdOfNode;
  const { ZSTD_c_compressionLevel, ZSTD_d_windowLogMax } = ofNode.constants;
  return {
    // zstd's own formula (ZSTD_COMPRESSBOUND).
    compressBound: (bytes) => bytes + (bytes >>> 8) + (bytes < 131_072 ? (131_072 - bytes) >>> 11 : 0),
    compress(target, content, level) {
      const params = { [ZSTD_c_compressionLevel]: level };
      const frame = ofNode.zstdCompressSync(content, { params, pledgedSrcSize: content.length });
      return frame.copy(target);
    },
    decompress(target, frame) {
      const windowLog = Math.ceil(Math.log2(Math.max(1, target.length)));
      const params = { [ZSTD_d_windowLogMax]: Math.min(WINDOW_MAX_LOG, Math.max(WINDOW_MIN_LOG, windowLog)) };
      try {
        const maxOutputLength = Math.max(1, target.length);
        const content = ofNode.zstdDecompressSync(frame, { params, maxOutputLength });
        return content.length > target.length ? undefined : content.copy(target);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
        throw cause;
      }
    },
  };
}
