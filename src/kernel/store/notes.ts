// Notes for the host as things happen: changes of keys, and reads that find none (docs/redis.md, "Keyspace
// notifications"). While it wants no notes, a note is one branch.
import { note } from '../host';
import { NO_COMMAND, NOTE_NEW, NOTE_WRITTEN } from '../layout';

/** The notes that are wanted, a bit for each of NOTE_*. */
export let wantedNotes: u32 = 0;
/** The command that runs in the kernel (COMMAND_*); NO_COMMAND while none does. */
export let runningCommand: i32 = NO_COMMAND;

export function wantNotes(bits: u32): void {
  wantedNotes = bits;
}

export function setRunningCommand(command: i32): void {
  runningCommand = command;
}

/** Has the host take a note (NOTE_*) about a key, if it wants such notes. */
export function noteKey(what: u32, key: usize, bytes: u32): void {
  if (((wantedNotes >> what) & 1) !== 0) note(what, runningCommand, key, bytes);
}

/** Notes that a key was written, and whether it is new. */
export function noteWrite(isNew: bool, key: usize, bytes: u32): void {
  if (isNew) noteKey(NOTE_NEW, key, bytes);
  noteKey(NOTE_WRITTEN, key, bytes);
}
