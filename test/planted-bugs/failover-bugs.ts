/** Mistakes of failovers (see bugs.ts). */
import type { PlantedBug } from './planted-bug.js';

const failover = ['test/server/failover.test.ts'];

export const failoverBugs: readonly PlantedBug[] = [
  {
    name: 'a primary takes writes again as soon as the link of its order is lost',
    file: 'src/replication/primary/failover.ts',
    find: '    void this.#find(peer);\n',
    replace: "    this.#giveUp('its link is lost');\n",
    tests: failover,
  },
  {
    name: 'a replica takes over that holds less than its primary',
    file: 'src/replication/replica/takeover.ts',
    find: 'if (isForced || own.join() === Array.from(watermarks).join()) return undefined;',
    replace: 'if (isForced || own.length === watermarks.length) return undefined;',
    tests: ['test/replication/replica/takeover.test.ts'],
  },
  {
    name: 'a replica is ordered to take over that has acknowledged something, not all',
    file: 'src/replication/primary/failover.ts',
    find: 'hasReached(peer.acknowledged ?? [], written),',
    replace: 'peer.acknowledged !== undefined,',
    tests: failover,
  },
  {
    name: 'CLIENT UNPAUSE lets writes through that a failover holds back',
    file: 'src/resp/client-pause.ts',
    find: `    this.#present?.end.cancel();
    this.#present = undefined;
`,
    replace: `    this.#present?.end.cancel();
    this.#present = undefined;
    this.#holdsWrites = false;
`,
    tests: ['test/resp/failover.test.ts'],
  },
];
