/** Changes for a program that asks for them while the server runs, in any role. */
import type { ChangeConsumer } from '../replication/outputs/changes.js';
import { Tap } from '../replication/outputs/tap.js';
import type { Leading } from './leading.js';
import type { Outputs } from './outputs.js';

/** The parts of a node whose changes are given. */
export interface ChangingNode {
  readonly outputs: Outputs;
  readonly leading: Leading | undefined;
  watermarks(): bigint[];
}

/**
 * Gives `consumer` all changes from now on, until the function that is returned is called; `onFault` is
 * called once when the consumer throws, or can't keep up with what is written here.
 */
export function subscribe(
  node: ChangingNode,
  consumer: ChangeConsumer,
  onFault: (error: Error) => void,
): () => void {
  const leave = () => {
    node.leading?.leaveTap(tap);
    node.outputs.taps.delete(tap);
  };
  const tap = new Tap({
    consumer,
    watermarks: node.watermarks(),
    onFault(error) {
      leave();
      onFault(error);
    },
  });
  node.outputs.taps.add(tap);
  node.leading?.joinTap(tap);
  return leave;
}
