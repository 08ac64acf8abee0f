/** What each format of `frames decode` writes at each station of the walk through a dump. */

import type { SequenceStep } from '../../dump/check/sequence-steps.js';
import { type FrameFilter, type Item, isRecord } from '../../dump/choose/filter.js';
import { JsonLines } from '../../dump/json-lines.js';
import { type FrameContent, type OpenedFrame, payloadPlace } from '../../dump/read/frame-content.js';
import type { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { ValueForm } from '../terminal/text.js';
import { entryLine, faultJson, frameJson, recordLine } from './json.js';
import { entryText, frameText, headingText, recordText, stepText } from './text.js';

/** Nothing is the empty text. */
export type Piece = string | Buffer;

/** Line ends included. */
export interface Rendering {
  /** Whether `item` is to be given the steps between sequences. */
  readonly marksSteps: boolean;
  begin(): Piece;
  beginFile(file: string): Piece;
  beginFrame(frame: OpenedFrame): Piece;
  /** `step`: from the record of its shard before, shown or not. */
  item(item: Item, step?: SequenceStep): Piece;
  /**
   * What `item` makes of all items of a frame, at once, in bytes that are valid until the next are asked for;
   * undefined: they are to be given one by one.
   */
  allItems?(frame: OpenedFrame): Iterable<Uint8Array> | undefined;
  /**
   * A rendering that shows none of a frame's items takes each frame whole, shown or not: `limit` of its items
   * at most (frames, where the filter leaves no items). Returns how many of the limit that takes; throws when
   * the frame is malformed.
   */
  countFrame?(frame: OpenedFrame, limit: number): number;
  endFrame(): Piece;
  endFile(fault: FastcacheError | undefined): Piece;
  end(): Piece;
}

export interface RenderingOptions {
  /** Whether each file's name stands before what it holds. */
  titled: boolean;
  values: ValueForm;
  filter: FrameFilter;
  /** Now, in Unix ms. */
  nowMs(): number;
}

const silent = {
  marksSteps: false,
  begin: () => '',
  beginFile: () => '',
  beginFrame: () => '',
  item: () => '',
  endFrame: () => '',
  endFile: () => '',
  end: () => '',
} satisfies Rendering;

export function textRendering({ titled, values, nowMs }: RenderingOptions): Rendering {
  let heading = `${headingText()}\n`;
  return {
    ...silent,
    marksSteps: true,
    beginFile: (file) => (titled ? `${escapeText(file)}:\n` : ''),
    beginFrame: (frame) => {
      const text = `${heading}${frameText(frame)}\n`;
      heading = '';
      return text;
    },
    item(item, step) {
      if (!isRecord(item)) return `${entryText(item, values, nowMs())}\n`;
      const mark = step === undefined ? '' : `${stepText(item, step)}\n`;
      return `${mark}${recordText(item, values)}\n`;
    },
  };
}

export function ndjsonRendering({ titled, values }: RenderingOptions): Rendering {
  const lines = new JsonLines(values);
  return {
    ...silent,
    beginFile: (file) => (titled ? `${toJson({ type: 'file', file })}\n` : ''),
    beginFrame: (frame) => `${toJson(frameJson(frame))}\n`,
    item: (item) => `${itemLine(item, values)}\n`,
    allItems: ({ frame, content }) =>
      isOpenIn(lines, content) ? lines.lines(payloadPlace(frame)) : undefined,
    endFile: (fault) => (fault === undefined ? '' : `${toJson(faultJson(fault))}\n`),
  };
}

export function jsonRendering({ values }: RenderingOptions): Rendering {
  const files = separator();
  let frames = separator();
  let items = separator();
  return {
    ...silent,
    begin: () => '{"files":[',
    beginFile: (file) => {
      frames = separator();
      return `${files()}{"file":${toJson(file)},"frames":[`;
    },
    beginFrame: (frame) => {
      items = separator();
      return `${frames()}${toJson(frameJson(frame)).slice(0, -1)},"contents":[`;
    },
    item: (item) => `${items()}${itemLine(item, values)}`,
    endFrame: () => ']}',
    endFile: (fault) => `\n],"fault":${toJson(fault === undefined ? null : faultJson(fault))}}`,
    end: () => ']}\n',
  };
}

function isOpenIn(lines: JsonLines, content: FrameContent): boolean {
  switch (content.type) {
    case 'batch':
      return lines.openBatch(content.payload);
    case 'chunk': {
      const { payload, entriesOffset, entryCount, governed } = content;
      return lines.openChunk(payload, entriesOffset, entryCount, governed);
    }
    default:
      return false;
  }
}

function itemLine(item: Item, values: ValueForm): string {
  return isRecord(item) ? recordLine(item, values) : entryLine(item, values);
}

/** What stands before each element of a JSON array: a comma but for the first, and a new line. */
export function separator(): () => string {
  let first = true;
  return () => {
    const text = first ? '\n' : ',\n';
    first = false;
    return text;
  };
}
