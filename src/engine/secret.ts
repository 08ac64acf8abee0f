/** The secrets under which kernels hash keys (docs/architecture.md, "Placement"). */
import type { Random } from '../clock.js';

/** Draws a secret of 128 random bits. */
export function drawSecret(random: Random): bigint {
  let secret = 0n;
  for (let words = 0; words < 4; words++) secret = (secret << 32n) | BigInt(random.u32());
  return secret;
}
