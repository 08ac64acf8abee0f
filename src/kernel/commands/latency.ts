// How long the kernel's commands take. The host times a run of commands as one and says in which bucket the
// mean of a command is; each command that has run since it said so last counts there.
import { COMMANDS, ENDED_FAILED, ENDED_WELL, LATENCY_BUCKETS } from '../layout';
import { callsOf } from './commands';

/** Of each command, its calls up to the last `noteLatency`, and those since, f64 each. */
const noted: usize = memory.data(168, 8);
const since: usize = memory.data(168, 8);
/** Of each command, its calls by bucket, f64 each. */
const counts: usize = memory.data(32256, 8);

/** Returns how many commands have run since `noteLatency` was called last. */
export function ranSinceNote(): f64 {
  let all: f64 = 0;
  for (let command: u32 = 0; command < <u32>COMMANDS; command++) {
    const calls = callsOf(command, ENDED_WELL) + callsOf(command, ENDED_FAILED);
    const more = calls - load<f64>(noted + ((<usize>command) << 3));
    store<f64>(since + ((<usize>command) << 3), more);
    all += more;
  }
  return all;
}

/** Counts what `ranSinceNote` has found in a bucket; LATENCY_BUCKETS counts it nowhere. */
export function noteLatency(bucket: u32): void {
  for (let command: u32 = 0; command < <u32>COMMANDS; command++) {
    const more = load<f64>(since + ((<usize>command) << 3));
    if (more === 0) continue;
    const before = noted + ((<usize>command) << 3);
    store<f64>(before, load<f64>(before) + more);
    if (bucket >= <u32>LATENCY_BUCKETS) continue;
    const at = countsAt(command, bucket);
    store<f64>(at, load<f64>(at) + more);
  }
}

/** Returns how many calls of a command (COMMAND_*) are in a bucket. */
export function latencyOf(command: u32, bucket: u32): f64 {
  return command < <u32>COMMANDS && bucket < <u32>LATENCY_BUCKETS ? load<f64>(countsAt(command, bucket)) : 0;
}

/** Empties all buckets. */
export function forgetLatency(): void {
  memory.fill(counts, 0, (<usize>(COMMANDS * LATENCY_BUCKETS)) << 3);
}

function countsAt(command: u32, bucket: u32): usize {
  return counts + ((<usize>(command * LATENCY_BUCKETS + bucket)) << 3);
}
