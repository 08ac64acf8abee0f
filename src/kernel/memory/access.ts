// When and how often a record is used, in the 24 bits that it has for that (record.ts). Under an LFU policy
// they are as in Redis (evict.c): in bits 8-23 the minute of the last use, in bits 0-7 a counter that grows
// by chance, the more rarely the larger it is, and shrinks while the record is not used. Under all other
// policies they are the access clock (clock.ts) at the last use. After a change of policy each record keeps
// what it has until its next use, as in Redis.
import { ACCESS_CLOCK_MASK, accessClock, accessMinute, MINUTE_MASK, secondsSince } from '../clock';
import { NEW_USES } from '../layout';
import { random } from '../random';
import { IN_USE } from './record';

const USES_MAX: u32 = 255;
const U53: f64 = 9007199254740992;

/** Whether a policy is in force that counts uses. */
export let countsUses: bool = false;
let logFactor: f64 = 10;
/** Minutes without a use after which the counter is one less; 0: it never shrinks. */
let decayMinutes: u32 = 1;

/** Has uses counted or not, and by which `lfu-log-factor` and `lfu-decay-time`. */
export function countUses(counts: bool, factor: f64, minutes: u32): void {
  countsUses = counts;
  logFactor = factor;
  decayMinutes = minutes;
}

/** Stamps a record that has come to be. */
export function noteBirth(record: usize): void {
  store<u32>(record, IN_USE | (countsUses ? (accessMinute << 8) | NEW_USES : accessClock), 8);
}

/**
 * Stamps a record that is read or written. Within a second it stores nothing, so that the cache line stays
 * clean, unless uses are counted.
 */
export function noteAccess(record: usize): void {
  const before = load<u32>(record, 8);
  const stamp = IN_USE | (countsUses ? (accessMinute << 8) | usedOnce(usesOf(before)) : accessClock);
  if (before !== stamp) store<u32>(record, stamp, 8);
}

/** Gives a record the uses of another one, which `accessOf` returned. */
export function carryAccess(record: usize, access: u32): void {
  store<u32>(record, IN_USE | access, 8);
}

/** Makes a record count as used so often, if uses are counted, or else as last used so many seconds ago. */
export function setAccess(record: usize, access: u32): void {
  const stamp = countsUses ? (accessMinute << 8) | access : (accessClock - access) & ACCESS_CLOCK_MASK;
  store<u32>(record, IN_USE | stamp, 8);
}

/** Returns the 24 bits about the uses of a record. */
export function accessOf(record: usize): u32 {
  return load<u32>(record, 8) & ACCESS_CLOCK_MASK;
}

/**
 * Returns how much rather than others a record with these bits is evicted: its idle seconds, or what its
 * counter lacks to the largest.
 */
export function idlenessOf(access: u32): u32 {
  return countsUses ? USES_MAX - usesOf(access) : secondsSince(access);
}

/** Returns the counter in these bits, less what it has shrunk by since. */
export function usesOf(access: u32): u32 {
  const uses = access & USES_MAX;
  const minutes = (accessMinute - ((access >> 8) & MINUTE_MASK)) & MINUTE_MASK;
  const decayed: u32 = decayMinutes === 0 ? 0 : minutes / decayMinutes;
  return decayed > uses ? 0 : uses - decayed;
}

function usedOnce(uses: u32): u32 {
  if (uses === USES_MAX) return uses;
  const above: u32 = uses > <u32>NEW_USES ? uses - NEW_USES : 0;
  const chance = 1 / (<f64>above * logFactor + 1);
  return <f64>(random() >> 11) < chance * U53 ? uses + 1 : uses;
}
