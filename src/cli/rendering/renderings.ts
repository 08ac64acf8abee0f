/** Renders a dump in each format of `frames decode`, from its first frame to its end. */

import type { SequenceStep } from '../../dump/check/sequence-steps.js';
import { type Item, isRecord } from '../../dump/choose/filter.js';
import { JsonLines } from '../../dump/json-lines.js';
import { type FrameContent, type OpenedFrame, payloadPlace } from '../../dump/read/frame-content.js';
import type { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { ValueForm } from '../terminal/text.js';
import { entryLine, faultJson, frameJson, recordLine } from './json.js';
import { entryText, frameText, headingText, recordText, stepText } from './text.js';

/** Text, or bytes that are valid until the next piece is requested. An empty text writes nothing. */
export type Piece = string | Uint8Array;

/** An item that is shown. */
export interface ShownItem {
  item: Item;
  /**
   * The step from the previous record of its shard, shown or not; undefined where the sequences follow one
   * another.
   */
  step: SequenceStep | undefined;
}

/** The items of a frame that are shown. Iterating over them decodes the frame, and throws its faults. */
export interface ShownItems extends Iterable<ShownItem> {
  /** Whether these are all items of the frame. */
  readonly isAll: boolean;
}

/** The pieces that a format writes, line ends included. */
export interface Rendering {
  begin(): Piece;
  beginFile(file: string): Piece;
  /** Yields a frame that is shown, with those of its items that are shown. */
  frame(frame: OpenedFrame, items: ShownItems): Iterable<Piece>;
  endFile(fault: FastcacheError | undefined): Piece;
  end(): Piece;
}

/** The options of a rendering. */
export interface RenderingOptions {
  /** Whether each file's name is written before its content. */
  titled: boolean;
  values: ValueForm;
  /** The time, Unix ms. */
  nowMs(): number;
}

/** Returns a rendering of lines for a person, under one heading. */
export function textRendering({ titled, values, nowMs }: RenderingOptions): Rendering {
  let heading = `${headingText()}\n`;
  return {
    begin: () => '',
    beginFile: (file) => (titled ? `${escapeText(file)}:\n` : ''),
    *frame(frame, items) {
      yield `${heading}${frameText(frame)}\n`;
      heading = '';
      for (const { item, step } of items) {
        if (step !== undefined && isRecord(item)) yield `${stepText(item, step)}\n`;
        yield `${isRecord(item) ? recordText(item, values) : entryText(item, values, nowMs())}\n`;
      }
    },
    endFile: () => '',
    end: () => '',
  };
}

/** Returns a rendering of one JSON object a line, a frame before its items. */
export function ndjsonRendering({ titled, values }: RenderingOptions): Rendering {
  const lines = new JsonLines(values);
  return {
    begin: () => '',
    beginFile: (file) => (titled ? `${toJson({ type: 'file', file })}\n` : ''),
    *frame(opened, items) {
      yield `${toJson(frameJson(opened))}\n`;
      if (items.isAll && isOpenIn(lines, opened.content)) yield* lines.lines(payloadPlace(opened.frame));
      else for (const { item } of items) yield `${itemLine(item, values)}\n`;
    },
    endFile: (fault) => (fault === undefined ? '' : `${toJson(faultJson(fault))}\n`),
    end: () => '',
  };
}

/** Returns a rendering of one JSON document of all files. */
export function jsonRendering({ values }: RenderingOptions): Rendering {
  const files = separator();
  let frames = separator();
  return {
    begin: () => '{"files":[',
    beginFile: (file) => {
      frames = separator();
      return `${files()}{"file":${toJson(file)},"frames":[`;
    },
    *frame(opened, items) {
      yield `${frames()}${toJson(frameJson(opened)).slice(0, -1)},"contents":[`;
      const before = separator();
      try {
        for (const { item } of items) yield `${before()}${itemLine(item, values)}`;
      } finally {
        yield ']}';
      }
    },
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

/**
 * Returns a function that returns the text before each element of a JSON array: a new line, with a comma
 * unless it is the first.
 */
export function separator(): () => string {
  let first = true;
  return () => {
    const text = first ? '\n' : ',\n';
    first = false;
    return text;
  };
}
