/** Kernels of the frames toolkit, for what the kernel does with payloads. */

import { Kernel } from '../engine/kernel.js';
import { ROUTE_FULL_KEY } from '../kernel/layout.js';

/** A kernel of its own. Its store is not used, so that it has one shard only. */
export function toolKernel(): Kernel {
  const kernel = new Kernel({ seal() {}, dirty() {} });
  const maxMemoryBytes = 2 ** 32;
  kernel.exports.initialize(1, ROUTE_FULL_KEY, 0n, maxMemoryBytes, 1, 1, 1);
  return kernel;
}
