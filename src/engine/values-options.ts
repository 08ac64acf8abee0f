/** The options of the parts that reach values where they lie. */
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { KernelTime } from './kernel-time.js';

/** The parts by which the values of one kernel's store are reached. */
export interface ValuesOptions {
  readonly kernel: Kernel;
  /** The buffer in which keys and parts are put for the kernel; others may use it between the calls. */
  readonly scratch: KernelBuffer;
  readonly maxValueBytes: number;
  readonly time: KernelTime;
}
