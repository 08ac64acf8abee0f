/** Half of the simulation's seeds (test/support/sim/simulation.ts has what is played and checked). */
import { playSeeds } from '../support/sim/seeds.js';

playSeeds(0, 2);
