/**
 * Keeps a node's role for the next start. It also supervises a node that was primary before and has come back
 * without its data: such a node must not pass for a new primary (docs/operations.md, "A primary that was
 * restarted").
 */

import type { Timer } from '../clock.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { Log } from '../replication/log.js';
import type { Settings } from '../resp/settings.js';
import { formatAddress, isSameAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { Verdict } from './beginning.js';
import type { NodeConfig } from './config.js';
import type { KeptRole, RoleKeeper } from './role-file.js';
import type { NodeSeams } from './seams.js';

/** Milliseconds between questions to the Sentinels. */
const ASK_MS = 1_000;

/** The node that is supervised. */
export interface SupervisedNode {
  readonly config: NodeConfig;
  readonly seams: NodeSeams;
  readonly settings: Settings;
  readonly events: { readonly log: Log };
  readonly nodeId: string;
  readonly engine: ShardEngine;
  /** The primary that it follows; undefined while it leads. */
  readonly primary: Address | undefined;
  readonly history: { readonly id: string } | undefined;
  /** Whether any record was ever written to its content, or came with it. */
  readonly hasWritten: boolean;
  follow(primary: Address): void;
}

/** The facts about a node's role at its start. */
export interface RoleAtStart {
  /** The content of the role file; undefined: there was none. */
  readonly kept: KeptRole | undefined;
  /** Makes the writer of the role file, which writes what `role` returns; undefined: there is to be none. */
  readonly keeper: ((role: () => KeptRole) => RoleKeeper) | undefined;
  /** Whether there are Sentinels none of which has answered. */
  readonly isUnanswered: boolean;
}

/** Keeps the role of one node. */
export class Supervision {
  readonly #node: SupervisedNode;
  readonly #start: RoleAtStart;
  readonly #keeper: RoleKeeper | undefined;
  #lacksData = false;
  #question: Timer | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(node: SupervisedNode, start: RoleAtStart) {
    this.#node = node;
    this.#start = start;
    this.#keeper = start.keeper?.(() => this.#role());
    node.settings.onChange((name) => {
      if (name === 'fresh-history' && node.settings.hasFreshHistory) this.#beginsAnew();
    });
  }

  /** Whether the node was primary before, has come back without its data, and nothing has settled that. */
  get lacksData(): boolean {
    return this.#lacksData;
  }

  /** Notes whether the node was primary before and has nothing of that. */
  found(lacksData: boolean): void {
    this.#lacksData = lacksData;
  }

  /** Keeps the role, and asks the Sentinels on. Throws WRITE_FAILED. */
  async begin(): Promise<void> {
    this.#hasBegun = true;
    await this.#keeper?.save();
    if (this.#lacksData || this.#start.isUnanswered) this.#askLater();
  }

  /** Keeps the role that the node has changed to, or the primary that it follows now. */
  roleChanged(): void {
    this.#lacksData = false;
    this.#stopAsking();
    this.#keep();
  }

  /** Resolves when the role is on the disk; undefined without a role file. Rejects with WRITE_FAILED. */
  rewrite(): Promise<void> | undefined {
    return this.#keeper?.save();
  }

  /** Asks no more, and keeps the role as it is at the end. Throws WRITE_FAILED. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#stopAsking();
    // A node that could not open its ports may have the file of one that runs.
    if (this.#hasBegun) await this.#keeper?.save();
  }

  #role(): KeptRole {
    const { primary, history, nodeId, settings, hasWritten } = this.#node;
    // A primary that ends in order and was never written to has nothing that a restart could lack.
    const isNew = this.#isOver && primary === undefined && !hasWritten;
    const ownHistory = isNew ? undefined : history?.id;
    return {
      primary,
      history: this.#lacksData ? (this.#start.kept?.history ?? history?.id) : ownHistory,
      nodeId,
      announced: { host: settings.announcedHost, port: settings.announcedPort },
    };
  }

  #keep(): void {
    this.#keeper?.save().catch((error: Error) => {
      const { roleFile } = this.#node.config;
      this.#node.events.log.error(
        `the role is not kept in ${roleFile}, so that a restart would begin as before: ${error.message} Mend ` +
          'that, then CONFIG REWRITE',
      );
    });
  }

  #beginsAnew(): void {
    if (!this.#lacksData) return;
    this.#lacksData = false;
    this.#stopAsking();
    this.#keep();
    this.#node.events.log.warn('begins anew, without the data that it had as a primary before');
  }

  #askLater(): void {
    const { seams, config, events } = this.#node;
    if (config.sentinels.length === 0) return;
    this.#question = seams.timers.after(ASK_MS, () => {
      this.#ask().catch((error: Error) =>
        events.log.error(`the Sentinels cannot be asked: ${error.message}`),
      );
    });
  }

  async #ask(): Promise<void> {
    const { seams, config } = this.#node;
    const { askForVerdict } = await import('./beginning.js');
    const { verdict } = await askForVerdict(config, seams);
    // The node may have another role by now, or be closed.
    if (this.#question === undefined) return;
    if (verdict !== undefined && this.#settles(verdict)) return;
    this.#askLater();
  }

  /** Does what the Sentinels say; returns whether they need not be asked again. */
  #settles({ primary, hasPast }: Verdict): boolean {
    const { events, hasWritten } = this.#node;
    if (isSameAddress(primary, this.#node.primary)) return true;
    if (primary !== undefined) {
      events.log.warn(
        `the Sentinels say that ${formatAddress(primary)} is primary: it is followed from now on`,
      );
      this.#node.follow(primary);
      return true;
    }
    if (this.#lacksData) return false;
    if (this.#node.primary !== undefined || hasWritten || !hasPast) return true;
    this.#lacksData = true;
    events.log.error(LACKS_DATA);
    return false;
  }

  #stopAsking(): void {
    this.#question?.cancel();
    this.#question = undefined;
  }
}

/** The sentence for the operator of a primary without its data. */
export const LACKS_DATA =
  'this server was primary before and has come back without its data: clients are answered NODATA until ' +
  'Sentinel promotes another one. Or have it follow a server that has the data (REPLICAOF), start it with ' +
  '--recover, or begin anew without the data: CONFIG SET fresh-history yes';
