/** Replaces a small file of a data directory as a whole: a crash leaves the old one or the new one. */
import type { DataFiles } from './data-files.js';

/**
 * Resolves when the bytes are on the disk under that name; `NAME.new` has them before. `mode` is the file's
 * own where it differs from that of the others. Rejects with system errors.
 */
export async function replaceFile(
  files: DataFiles,
  name: string,
  bytes: Buffer,
  mode?: number,
): Promise<void> {
  const beside = `${name}.new`;
  await files.remove(beside);
  const file = await files.create(beside, mode);
  try {
    await file.append([bytes]);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(beside, name);
  await files.syncNames();
}
