/**
 * Renders `frames decode` for programs, as a stream of msgpack maps with the names of the NDJSON
 * (docs/command-line.md, "JSON"). Values that JSON cannot hold are written as they are: u64 values are uint64
 * or int64 whatever their size, and keys, values and governance bytes are bin, under one name each.
 */
import { isRecord } from '../../dump/choose/filter.js';
import { pack } from '../../files/msgpack.js';
import type { DecodedRecord } from '../../frame/batch.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import type { ValueForm } from '../terminal/text.js';
import { faultJson, frameJson } from './json.js';
import type { Rendering, RenderingOptions } from './renderings.js';

type Fields = Record<string, unknown>;

/** Returns the rendering as a stream of maps, a frame before its items. */
export function msgpackRendering({ titled, values }: RenderingOptions): Rendering {
  return {
    begin: () => '',
    beginFile: (file) => (titled ? pack({ type: 'file', file }) : ''),
    *frame(frame, items) {
      yield pack(frameJson(frame));
      for (const { item } of items) {
        yield pack(isRecord(item) ? recordFields(item, values) : entryFields(item, values));
      }
    },
    endFile: (fault) => (fault === undefined ? '' : pack(faultJson(fault))),
    end: () => '',
  };
}

function recordFields(record: DecodedRecord, values: ValueForm): Fields {
  const { offset, shard, sequence, timestampMs, op, key, expireAtMs, keyHash, keyTag } = record;
  return {
    type: 'record',
    offset,
    shard,
    sequence,
    timestampMs,
    op,
    key,
    ...valueFields(record, values),
    expireAtMs,
    keyHash,
    keyTag,
  };
}

function entryFields(entry: DecodedSnapshotEntry, values: ValueForm): Fields {
  const { offset, key, expireAtMs } = entry;
  return { type: 'entry', offset, key, ...valueFields(entry, values), expireAtMs };
}

function valueFields({ value, governance }: DecodedSnapshotEntry | DecodedRecord, values: ValueForm): Fields {
  if (values !== 'none') return governance === undefined ? { value } : { value, governance };
  return {
    valueBytes: value.length,
    ...(governance === undefined ? {} : { governanceBytes: governance.length }),
  };
}
