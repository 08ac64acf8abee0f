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

let refusedForMemory: f64 = 0;
let refusedOnReplica: f64 = 0;

/** Returns how many commands were refused for lack of memory. */
export function memoryRefusals(): f64 {
  return refusedForMemory;
}

/** Returns how many commands were refused because this is a replica's store. */
export function replicaRefusals(): f64 {
  return refusedOnReplica;
}

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
function rejected(text: string): i32 {
  ended = ENDED_REJECTED;
  replyError(text);
  return DONE;
}

export function wrongArity(): i32 {
  ended = ENDED_REJECTED;
  replyErrorAboutCommand("ERR wrong number of arguments for '", argument(0), argumentLength(0));
  return DONE;
}

export function refuseOnReplica(): i32 {
  refusedOnReplica += 1;
  return rejected("READONLY You can't write against a read only replica.");
}

export function refuseForMemory(): i32 {
  refusedForMemory += 1;
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
