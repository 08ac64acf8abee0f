/** Whether a replica can go on from what it holds, or must be given a snapshot, and why (design.md, "Histories"). */
import type { Margin } from '../frame/margin.js';
import type { FrameStream } from './stream.js';

export interface Resumption {
  /** What it lacks, each shard's frames in order; undefined: it needs a snapshot. */
  readonly frames: readonly Buffer[] | undefined;
  /** For the log. */
  readonly reason: string;
}

/** `claimed`: the watermarks that it says it has. */
export function resume(
  { backlog, history }: FrameStream,
  claimed: ArrayLike<bigint>,
  margin: Margin | undefined,
): Resumption {
  if (margin !== undefined && margin.get('history') !== history.id) {
    const held = margin.get('history');
    const reason = held === undefined ? 'it holds nothing' : `it holds another history, ${held}`;
    return { frames: undefined, reason };
  }
  const catchUp = backlog.catchUp(claimed);
  switch (catchUp.kind) {
    case 'nothing':
      return { frames: [], reason: 'it lacks nothing' };
    case 'frames':
      return { frames: catchUp.frames, reason: `it lacks ${catchUp.frames.length} frames` };
    case 'needs-snapshot': {
      const { shard, wanted, earliest } = catchUp;
      const kept = backlog.windows()[shard]?.bytes ?? 0;
      const reason = `shard ${shard} would go on at sequence ${wanted}, and the ${kept} bytes of its backlog begin at ${earliest}`;
      return { frames: undefined, reason };
    }
  }
}
