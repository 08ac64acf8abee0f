/** Values as programs have them, and as the store keeps them: bytes. */
import type { Bytes } from '../engine/bytes.js';
import { pack, unpack } from '../files/msgpack.js';
import { shown } from './arguments.js';

/** Makes bytes of values, and values of bytes. */
export interface Codec<Value> {
  /** Returns the bytes of a value, or a text for its UTF-8. Throws where it has none. */
  encode(value: Value): Bytes;
  /** Returns the value of `bytes`, which are its own to keep. Throws where they are none. */
  decode(bytes: Uint8Array): Value;
}

/**
 * A codec that is there already. `bytes`: values are `Uint8Array`s (Buffers, in fact), and texts are taken as
 * UTF-8. `text`: values are texts. `json` and `msgpack`: values are what these can hold.
 */
export type CodecName = 'bytes' | 'text' | 'json' | 'msgpack';

/** The option `codec`; the default is `bytes`. */
export type CodecOption = CodecName | Codec<unknown>;

/** The values of a codec. */
export type DecodedBy<Choice extends CodecOption> = Choice extends 'bytes'
  ? Uint8Array
  : Choice extends 'text'
    ? string
    : Choice extends Codec<infer Value>
      ? Value
      : unknown;

/** A value as a program gives it: where values are bytes, a text as well. */
export type Given<Value> = Value extends Uint8Array ? Bytes : Value;

const codecs: { readonly [name in CodecName]: Codec<unknown> } = {
  bytes: { encode: (value) => value as Bytes, decode: (bytes) => bytes },
  text: {
    encode: (value) => textOf(value),
    decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
  },
  json: {
    encode(value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`JSON has no form for ${shown(value)}.`);
      return text;
    },
    decode: (bytes) => JSON.parse(codecs.text.decode(bytes) as string),
  },
  msgpack: { encode: pack, decode: (bytes) => unpack(bytes as Buffer) },
};

/** Returns the codec of an option; `bytes` where there is none. Throws a TypeError for anything else. */
function codecOf(option: CodecOption | undefined): Codec<unknown> {
  if (option === undefined) return codecs.bytes;
  if (typeof option === 'string' && Object.hasOwn(codecs, option)) return codecs[option];
  const { encode, decode } = Object(option) as Partial<Codec<unknown>>;
  if (typeof encode === 'function' && typeof decode === 'function') return option as Codec<unknown>;
  const names = Object.keys(codecs).join(', ');
  throw new TypeError(
    `codec must be one of ${names}, or have encode() and decode(); it is ${shown(option)}.`,
  );
}

/** Separates the codec from the options of the server. Throws as `codecOf`. */
export function withCodec<Options extends object>(
  options: Options & { codec?: CodecOption | undefined },
): { codec: Codec<unknown>; others: Options } {
  // An argument that is no object is refused with the other options.
  if (typeof options !== 'object' || options === null) return { codec: codecs.bytes, others: options };
  const { codec, ...others } = options;
  return { codec: codecOf(codec), others: others as unknown as Options };
}

/** Whether values of this codec are the bytes themselves, which are not worth keeping decoded. */
export function isBytesCodec(codec: Codec<unknown>): boolean {
  return codec === codecs.bytes;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`value must be a string, as the codec is text; it is ${shown(value)}.`);
}
