/**
 * `frames decode`: walks dumps and writes what they hold as text, NDJSON or one JSON document, in constant memory. A
 * damaged dump is written up to its damage; the next one is walked all the same.
 */
import { FastcacheError } from '../errors.js';
import type { DecodedRecord } from '../frame/batch.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';
import { dumpName, readDump } from './dump-reader.js';
import { escapeText } from './escape.js';
import { type OpenedFrame, openFrame } from './frame-content.js';
import { entryJson, faultJson, frameJson, recordJson } from './frames-json.js';
import { entryText, frameText, headingText, recordText } from './frames-text.js';
import { toJson } from './json.js';
import type { Output } from './output.js';
import { UsageError } from './values.js';

export type DecodeFormat = 'text' | 'ndjson' | 'json';

export interface DecodeOptions {
  /** `-` is stdin. */
  files: readonly string[];
  format: DecodeFormat;
  output: Output;
  /** Tells a fault that ends a file and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
}

type Item = DecodedRecord | DecodedSnapshotEntry;

/** What a format writes at each station of the walk; line ends included. */
interface Rendering {
  begin(): string;
  beginFile(file: string): string;
  beginFrame(frame: OpenedFrame): string;
  item(item: Item): string;
  endFrame(): string;
  endFile(fault: FastcacheError | undefined): string;
  end(): string;
}

/** Text gathers to about this much before it is written. */
const WRITE_BYTES = 65_536;

/** Writes all files; resolves with the exit status: that of the first fault, 0 when there was none. */
export async function decodeDumps({ files, format, output, report }: DecodeOptions): Promise<number> {
  if (files.indexOf('-') !== files.lastIndexOf('-')) throw new UsageError('stdin (-) can be read only once');
  const rendering = renderings[format](files.length > 1);
  let status = 0;
  await output.write(rendering.begin());
  for (const file of files) {
    await output.write(rendering.beginFile(dumpName(file)));
    const fault = await decodeDump(file, rendering, output);
    await output.write(rendering.endFile(fault));
    if (fault === undefined) continue;
    const faultStatus = await report(fault);
    status ||= faultStatus;
  }
  await output.write(rendering.end());
  return status;
}

/** Writes one file's frames; returns what ended it early. */
async function decodeDump(
  file: string,
  rendering: Rendering,
  output: Output,
): Promise<FastcacheError | undefined> {
  let gathered = '';
  let fault: FastcacheError | undefined;
  try {
    for await (const frame of readDump(file)) {
      const opened = openFrame(frame);
      gathered += rendering.beginFrame(opened);
      try {
        for (const item of itemsOf(opened)) {
          gathered += rendering.item(item);
          if (gathered.length < WRITE_BYTES) continue;
          await output.write(gathered);
          gathered = '';
        }
      } finally {
        gathered += rendering.endFrame();
      }
    }
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    fault = error.inFile(dumpName(file));
  }
  await output.write(gathered);
  return fault;
}

function itemsOf({ content }: OpenedFrame): Iterable<Item> {
  return 'items' in content ? content.items : [];
}

function isRecord(item: Item): item is DecodedRecord {
  return 'sequence' in item;
}

/** Each format by whether several files are named. */
const renderings: Record<DecodeFormat, (several: boolean) => Rendering> = {
  text: (several) => {
    let heading = `${headingText()}\n`;
    return {
      begin: () => '',
      beginFile: (file) => (several ? `${escapeText(file)}:\n` : ''),
      beginFrame: (frame) => {
        const text = `${heading}${frameText(frame)}\n`;
        heading = '';
        return text;
      },
      item: (item) => `${isRecord(item) ? recordText(item) : entryText(item)}\n`,
      endFrame: () => '',
      endFile: () => '',
      end: () => '',
    };
  },

  ndjson: (several) => ({
    begin: () => '',
    beginFile: (file) => (several ? `${toJson({ type: 'file', file })}\n` : ''),
    beginFrame: (frame) => `${toJson(frameJson(frame))}\n`,
    item: (item) => `${toJson(itemJson(item))}\n`,
    endFrame: () => '',
    endFile: (fault) => (fault === undefined ? '' : `${toJson(faultJson(fault))}\n`),
    end: () => '',
  }),

  json: () => {
    const files = separator();
    let frames = separator();
    let items = separator();
    return {
      begin: () => '{"files":[',
      beginFile: (file) => {
        frames = separator();
        return `${files()}{"file":${toJson(file)},"frames":[`;
      },
      beginFrame: (frame) => {
        items = separator();
        return `${frames()}${toJson(frameJson(frame)).slice(0, -1)},"contents":[`;
      },
      item: (item) => `${items()}${toJson(itemJson(item))}`,
      endFrame: () => ']}',
      endFile: (fault) => `\n],"fault":${toJson(fault === undefined ? null : faultJson(fault))}}`,
      end: () => ']}\n',
    };
  },
};

function itemJson(item: Item): Record<string, unknown> {
  return isRecord(item) ? recordJson(item) : entryJson(item);
}

/** What stands before each element of a JSON array: a comma but for the first, and a new line. */
function separator(): () => string {
  let first = true;
  return () => {
    const text = first ? '\n' : ',\n';
    first = false;
    return text;
  };
}
