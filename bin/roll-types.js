// Writes the types of the library as one file an entry point (dist/types), which needs nothing outside itself:
// no types of Node, and no setting of the compiler of whoever uses them. `npm pack` runs this.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entries, extract, root } from './extract-api.js';

const target = join(root, 'dist/types');

/** The members of an AbortSignal that the types use. Browsers and Node declare the whole of it. */
const SIGNAL = `
/** The part of an AbortSignal that is used; any AbortSignal is one. */
declare interface AbortSignalLike {
    readonly aborted: boolean;
    readonly reason: any;
    throwIfAborted(): void;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener(type: 'abort', listener: () => void): void;
}
`;

mkdirSync(target, { recursive: true });
for (const [name, entry] of Object.entries(entries)) {
  const file = join(target, `${name}.d.ts`);
  extract(entry, { dtsRollup: { enabled: true, untrimmedFilePath: file } });
  writeFileSync(
    file,
    `/// <reference lib="esnext.disposable" />\n${standalone(readFileSync(file, 'utf8'))}${SIGNAL}`,
  );
}

/** Buffers are declared as the Uint8Arrays that they are, and no array says what kind of memory it has. */
function standalone(types) {
  const code = types
    .replace(/\b(Buffer|Uint8Array|BigUint64Array)<ArrayBufferLike>/g, '$1')
    .replace(/\bBuffer\b(?=[;,|)\]> ]|\[\])(?!s)/g, 'Uint8Array')
    .replace(/\bAbortSignal\b/g, 'AbortSignalLike');
  const foreign = /^import .*/m.exec(code)?.[0];
  if (foreign !== undefined) throw new Error(`The types need another package: ${foreign}`);
  return code;
}
