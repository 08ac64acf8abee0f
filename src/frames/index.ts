/**
 * The exports of `fastcache/frames`: the tools for dumps of FCRP frames as functions
 * (docs/frames.md). Each takes a dump as a path, `-` for stdin, or its bytes as a Readable or another async
 * iterable; faults are `FastcacheError`s with the byte offset.
 */
export type { ShardSequences } from '../dump/check/batch-check.js';
export type { VerifiedContent, VerifiedHistory } from '../dump/check/verifier.js';
export type { DumpLimits } from '../dump/choose/batch-limit.js';
export { type FilterOptions, FrameFilter, type Item, isRecord } from '../dump/choose/filter.js';
export { type CountOptions, countDump, type DumpCounts } from '../dump/count/count-dump.js';
export { type DiffOptions, diffKeySpaces, type KeySpaceDiff } from '../dump/fold/diff-key-spaces.js';
export { type FoldDumpOptions, foldDump } from '../dump/fold/fold-dump.js';
export type { FoldedKeySpace, KeyEntry, UnsaidHistory } from '../dump/fold/folded-key-space.js';
export type { Difference, DifferenceCounts, KeyContent } from '../dump/fold/key-space-diff.js';
export { type CutDump, type CutOptions, cutDump } from '../dump/make/cut-dump.js';
export { type IndexDumpOptions, indexDump } from '../dump/make/index-dump.js';
export type { MadeDump, MakingOptions, ReadInput } from '../dump/make/made-dump.js';
export { mergeDumps } from '../dump/make/merge-dumps.js';
export { salvageDump } from '../dump/make/salvage-dump.js';
export type { Loss } from '../dump/make/salvager.js';
export { type DecodeDumpOptions, decodeDump } from '../dump/read/decode-dump.js';
export type { DumpProgress, DumpSource, DumpSources, ReadingOptions } from '../dump/read/dump-reader.js';
export type { FrameContent, OpenedFrame } from '../dump/read/frame-content.js';
export type { DumpFault, VerifiedIndex } from '../dump/verify/index-check.js';
export { type VerifiedDump, type VerifyOptions, verifyDump } from '../dump/verify/verify-dump.js';
export { type ErrorCode, errorCodes, FastcacheError } from '../errors.js';
export type { DecodedRecord } from '../frame/batch.js';
export type { FrameKindName } from '../frame/kinds.js';
export type { DecodedSnapshotEntry } from '../frame/snapshot.js';
export type { IndexedPart } from '../frame-index/index-file.js';
export type { Pace } from '../replay/pacer.js';
export type { ReplayOptions, ReplayResult } from '../replay/replay-dump.js';
export type { ReplayProgress } from '../replay/walk.js';
export { replayDump } from './replay-dump.js';
