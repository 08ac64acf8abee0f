/**
 * The hostile frames of fixtures/hostile: every refusal of docs/protocol.md, "Refusals", at least once, each
 * with its error's code and place. `npx tsx test/support/hostile-frames.ts` writes the files and their
 * README.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostileDigests } from './hostile-digests.js';
import { hostileEnvelopes } from './hostile-envelopes.js';
import type { HostileFrame } from './hostile-frame.js';
import { hostilePayloads } from './hostile-payloads.js';

export const hostileDirectory = fileURLToPath(new URL('../../fixtures/hostile/', import.meta.url));

export const hostileFrames: readonly HostileFrame[] = [
  ...hostileEnvelopes,
  ...hostilePayloads,
  ...hostileDigests,
];

export function hostileReadme(): string {
  const rows = hostileFrames.map(
    ({ name, code, offset, how }) => `| \`${name}.fcrp\` | \`${code}\` | ${offset} | ${how} |`,
  );
  return `# Hostile frames

Bytes that a reader of FCRP version 1 must refuse, each with the code and the byte offset below (the frame's, where the
fault is inside a compressed payload). All were put together byte by byte, zstd data included, by
\`test/support/hostile-*.ts\`, without the codec that they test; they are remade, and this page with them, by

    npx tsx test/support/hostile-frames.ts

\`byte-behind\` is refused only by a reader of one frame, and \`key-hash\` by code that applies the frame: the codec does not hash.

| file | code | offset | fault |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(hostileDirectory, { recursive: true });
  for (const { name, bytes } of hostileFrames) writeFileSync(join(hostileDirectory, `${name}.fcrp`), bytes);
  writeFileSync(join(hostileDirectory, 'README.md'), hostileReadme());
}
