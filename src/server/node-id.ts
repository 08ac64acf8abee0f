/**
 * The id by which a primary knows a node again when it comes back, on whatever port and with whatever
 * content. A node has one for each run, or with `idFile` or `roleFile` one for good.
 */
import type { Random } from '../clock.js';
import { FastcacheError } from '../errors.js';
import { modeBits } from '../files/file-mode.js';
import { isNodeId, newNodeId } from '../replication/link/path.js';
import type { NodeConfig } from './config.js';
import type { NodeFiles } from './seams.js';

const ID_FILE_BYTES = 64;

/** The parts that making and reading an id need. */
export interface NodeIdSeams {
  readonly files: NodeFiles;
  readonly random: Random;
}

/**
 * Returns the id in the file, which is made where there is none; without a file the `kept` id, or a new one.
 * Throws `STATE_UNUSABLE` for a file that holds something else, `READ_FAILED`, `WRITE_FAILED`.
 */
export async function nodeIdOf(
  { idFile, fileMode }: Pick<NodeConfig, 'idFile' | 'fileMode'>,
  { files, random }: NodeIdSeams,
  kept?: string,
): Promise<string> {
  const known = idFile === undefined ? undefined : files.readState(idFile, ID_FILE_BYTES);
  const id = known?.toString('latin1').trim() ?? kept ?? newNodeId(random);
  if (!isNodeId(id)) {
    throw new FastcacheError(
      'STATE_UNUSABLE',
      'It is no id of a node, which has 16 hex digits. Name another file, or move it away to get a new id.',
      { file: idFile! },
    );
  }
  if (idFile !== undefined && known === undefined) {
    await files.replaceState(idFile, Buffer.from(`${id}\n`), modeBits(fileMode));
  }
  return id;
}
