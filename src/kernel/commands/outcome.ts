// How a command of the kernel ends, and the error replies that many commands share.

import { ENDED_FAILED, ENDED_REJECTED, ENDED_WELL } from '../layout';
import { argument, argumentLength } from './arguments';
import { replyError, replyErrorAbout, replyErrorAboutCommand } from './reply';

/** The command has run and replied. */
export const DONE: i32 = 0;
/** The reply needs `wantedOutput` bytes of room, which there are not; nothing has changed. */
export const FULL: i32 = 1;
/** The host must run the command. */
export const HANDED_OUT: i32 = 2;
/** Memory is exhausted; nothing has changed and no reply has been written. */
export const OUT_OF_MEMORY: i32 = 3;

export let wantedOutput: u64 = 0;
/** How the command at hand ended, one of ENDED_*. */
export let ended: i32 = ENDED_WELL;

export function beginCommand(): void {
  ended = ENDED_WELL;
}

export function full(wanted: u64): i32 {
  wantedOutput = wanted;
  return FULL;
}

/** Replies an error of a command that ran. */
export function failed(text: string): i32 {
  ended = ENDED_FAILED;
  replyError(text);
  return DONE;
}

/** Replies what `failed` does, with some bytes of the client behind the text. */
export function failedAbout(text: string, from: usize, length: u32): i32 {
  ended = ENDED_FAILED;
  replyErrorAbout(text, from, length);
  return DONE;
}

/** Replies an error to a command that may not run now. */
export function rejected(text: string): i32 {
  ended = ENDED_REJECTED;
  replyError(text);
  return DONE;
}

export function wrongArity(): i32 {
  ended = ENDED_REJECTED;
  replyErrorAboutCommand("ERR wrong number of arguments for '", argument(0), argumentLength(0));
  return DONE;
}

export function refuseForMemory(): i32 {
  return rejected("OOM command not allowed when used memory > 'maxmemory'.");
}

export function syntaxError(): i32 {
  return failed('ERR syntax error');
}

export function notAnInteger(): i32 {
  return failed('ERR value is not an integer or out of range');
}

export function invalidExpireTime(): i32 {
  ended = ENDED_FAILED;
  replyErrorAboutCommand("ERR invalid expire time in '", argument(0), argumentLength(0));
  return DONE;
}
