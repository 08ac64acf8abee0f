import type { PlantedBug } from './planted-bug.js';

export const bugs: readonly PlantedBug[] = [];
