/** Two processes that want one data directory. */
import { DataServer } from './server.js';

export interface Contest {
  /** How many of two that were started at once came up; 1 is right. */
  readonly winners: number;
  /** The faults that were found. */
  readonly faults: readonly string[];
}

/** Two servers with one directory, each with a port of its own. */
export class Contestants {
  readonly #servers: readonly DataServer[];
  #writes = 0;

  static async place(directory: string): Promise<Contestants> {
    const flags = ['--fsync', 'always'];
    return new Contestants([
      await DataServer.place({ directory, flags }),
      await DataServer.place({ directory, flags }),
    ]);
  }

  private constructor(servers: readonly DataServer[]) {
    this.#servers = servers;
  }

  /** Both are started at once, then the one that lost once more; the other one goes on, and is killed. */
  async contend(): Promise<Contest> {
    const outcomes = await Promise.all(this.#servers.map((server) => server.startOrStatus()));
    const faults: string[] = [];
    const winners = this.#servers.filter((_, index) => outcomes[index] === 'ready');
    const [winner] = winners;
    if (winner !== undefined && winners.length === 1) {
      const loser = this.#servers.find((server) => server !== winner)!;
      this.#expectRefusal(loser, outcomes.find((outcome) => outcome !== 'ready')!, faults);
      this.#expectRefusal(loser, await loser.startOrStatus(), faults);
      const found = await winner.ask('GET', 'count');
      if (this.#writes > 0 && String(found) !== String(this.#writes)) faults.push(`the count is ${found}`);
      this.#writes += 1;
      const reply = await winner.ask('SET', 'count', String(this.#writes));
      if (reply !== '+OK') faults.push(`the first server answers ${reply}`);
    }
    for (const server of this.#servers) await server.end('SIGKILL');
    return { winners: winners.length, faults };
  }

  #expectRefusal({ output }: DataServer, status: 'ready' | number | null, faults: string[]): void {
    if (status !== 1 || !output.includes('Another process has this data directory')) {
      faults.push(`the second process ends with ${status}: ${output}`);
    }
  }
}
