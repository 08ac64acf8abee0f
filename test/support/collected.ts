/** Whether memory is given back: an object is collected to which nothing refers any more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects garbage, behind all that is under way. */
export async function collectGarbage(): Promise<void> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  await new Promise(setImmediate);
  collect();
  await new Promise(setImmediate);
}
