/** Kernels of the frames toolkit: their store is not used, so one small shard of it will do. */

import { Kernel } from '../engine/kernel.js';
import { ROUTE_FULL_KEY } from '../kernel/layout.js';

export function toolKernel(): Kernel {
  const kernel = new Kernel({ seal() {}, dirty() {} });
  const maxMemoryBytes = 2 ** 32;
  kernel.exports.initialize(1, ROUTE_FULL_KEY, 0n, maxMemoryBytes, 1, 1, 1);
  return kernel;
}
