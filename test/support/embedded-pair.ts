/** A primary and a replica of ours in this process, both with a Redis port. */
import { afterAll } from 'vitest';
import { Primary, type PrimaryOptions, Replica, type ReplicaOptions } from '../../src/index.js';
import { eventually } from './processes.js';

export interface EmbeddedPair {
  primary: Primary;
  replica: Replica;
  /** Their Redis ports. */
  primaryPort: number;
  replicaPort: number;
}

/** Resolves when the replica follows. Both are closed behind the file's last test. */
export async function embeddedPair(
  primaryOptions: PrimaryOptions = {},
  replicaOptions: ReplicaOptions = {},
): Promise<EmbeddedPair> {
  const primary = await Primary.start({ bind: ':0', listen: ':0', ...primaryOptions });
  const replica = await Replica.follow(primary.bindAddress, { listen: ':0', ...replicaOptions });
  afterAll(async () => {
    await replica.close();
    await primary.close();
  });
  await isCaughtUp({ primary, replica });
  return {
    primary,
    replica,
    primaryPort: portOf(primary.listenAddress),
    replicaPort: portOf(replica.listenAddress),
  };
}

/**
 * Resolves when the replica has applied all that the primary has written, also what it deletes meanwhile as
 * it expires.
 */
export async function isCaughtUp({
  primary,
  replica,
}: Pick<EmbeddedPair, 'primary' | 'replica'>): Promise<void> {
  primary.flush();
  await eventually(
    () => [primary, replica].map((end) => String(end.watermarks())),
    ([written, applied]) => applied === written,
  );
}

export function portOf(address: string | undefined): number {
  return Number(address?.split(':').at(-1));
}
