/** Creates kernels for tools that work on payloads and frames and keep no content in them. */

import { ROUTE_FULL_KEY } from '../kernel/layout.js';
import { Kernel } from './kernel.js';

/** Creates a kernel. Its store is not used, and so has one shard only. */
export function toolKernel(): Kernel {
  const kernel = new Kernel({ seal() {}, dirty() {}, note() {}, changed() {} });
  const maxMemoryBytes = 2 ** 32;
  kernel.exports.initialize(1, ROUTE_FULL_KEY, 0n, 0n, maxMemoryBytes, 1, 1, 1);
  return kernel;
}
