import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../support/optional-peers.js';
import { repositoryRoot } from '../support/processes.js';
import { rustPeer, rustPeerPath } from '../support/rust-peer.js';

describeWith(rustPeer, 'the golden dumps', () => {
  const golden = join(repositoryRoot, 'fixtures/golden');
  let remade: string;
  beforeAll(() => {
    remade = mkdtempSync(join(tmpdir(), 'fastcache-golden-'));
    execFileSync(rustPeerPath, ['golden', remade]);
  });
  afterAll(() => rmSync(remade, { recursive: true }));

  it('are what the crate writes, byte for byte', () => {
    const names = readdirSync(golden).sort();
    expect(readdirSync(remade).sort()).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(remade, name)).equals(readFileSync(join(golden, name))), name).toBe(true);
    }
  });
});
