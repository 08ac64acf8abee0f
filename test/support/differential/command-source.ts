/** Random commands of all families, and the bytes in which a client may send them. */
import { respCommand } from '../resp-client.js';
import { ArgumentSource, type Arguments } from './arguments.js';
import { keyCommands } from './key-commands.js';
import { serverCommands } from './server-commands.js';
import { type Maker, stringCommands } from './string-commands.js';

const makers = [...stringCommands, ...keyCommands, ...serverCommands];
const totalWeight = makers.reduce((sum, [weight]) => sum + weight, 0);

/**
 * Commands that are sent as they are made: SHUTDOWN alone would be obeyed, and SAVE and BGSAVE too by Redis;
 * SCAN without its COUNT goes in steps, each side in its own; a channel more means a reply more.
 */
const TAKEN_AS_MADE = /^(shutdown|save|bgsave|scan|.*subscribe)$/i;

export class CommandSource extends ArgumentSource {
  /** At least `count` commands; now and then one with an argument too few or too many. */
  commands(count: number): Arguments[] {
    const { random } = this;
    const commands: Arguments[] = [];
    while (commands.length < count) {
      const made = this.#maker()(this).map((args) => [this.cased(args[0] as string), ...args.slice(1)]);
      const [only] = made;
      if (made.length === 1 && !TAKEN_AS_MADE.test(only![0] as string)) {
        if (random.chance(0.02)) only!.length = random.between(1, only!.length);
        if (random.chance(0.01)) only!.push(this.key());
      }
      commands.push(...made);
    }
    return commands;
  }

  /** A command's bytes: nearly always an array, sometimes an inline command. */
  encode(args: Arguments): Buffer {
    if (args.length > 40 || !this.random.chance(0.03)) return respCommand(...args);
    const words = args.map((arg) => inlineWord(Buffer.from(arg as string), this.random.chance(0.5)));
    const line = words.join(this.random.chance(0.9) ? ' ' : '  ');
    // An inline command's limit is 64 KiB.
    return line.length > 50_000 || line === ''
      ? respCommand(...args)
      : Buffer.from(`${line}${this.random.chance(0.5) ? '\r\n' : '\n'}`, 'latin1');
  }

  #maker(): Maker {
    let left = (this.random.u32() / 0x1_0000_0000) * totalWeight;
    return (makers.find(([weight]) => (left -= weight) < 0) ?? makers[0]!)[1];
  }
}

/** In quotes where it must be. */
function inlineWord(bytes: Buffer, likesQuotes: boolean): string {
  const text = bytes.toString('latin1');
  if (!likesQuotes && /^[\w:*?.-]+$/.test(text)) return text;
  if (likesQuotes && !text.includes("'") && !text.includes('\\') && bytes.every((byte) => byte >= 32)) {
    return `'${text}'`;
  }
  const escaped = [...text].map((letter) =>
    /[\w :*?.-]/.test(letter) ? letter : `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped.join('')}"`;
}
