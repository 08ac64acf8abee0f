import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { Keyboard, type KeyInput } from '../../../src/cli/terminal/keyboard.js';

/** A terminal's input, which notes what is done to it. */
class TypedInput extends EventEmitter {
  readonly done: string[] = [];
  readonly isTTY: boolean;
  constructor(isTTY = true) {
    super();
    this.isTTY = isTTY;
  }
  setRawMode(isRaw: boolean): this {
    this.done.push(isRaw ? 'raw' : 'cooked');
    return this;
  }
  resume(): this {
    return this;
  }
  pause(): this {
    this.done.push('paused');
    return this;
  }
}

function keyboardOf(input: TypedInput) {
  const keys: string[] = [];
  const keyboard = new Keyboard(
    input as unknown as KeyInput,
    (key) => keys.push(key),
    () => keys.push('end'),
  );
  return { keys, keyboard };
}

it('hands on characters one by one, ^C and ^D as the end, and arrows not at all', () => {
  const input = new TypedInput();
  const { keys, keyboard } = keyboardOf(input);
  for (const typed of ['s', 'lq', '\u001b[A', '\u0003', '\u0004']) input.emit('data', Buffer.from(typed));
  expect(keys).toEqual(['s', 'l', 'q', 'end', 'end']);
  keyboard.close();
  input.emit('data', Buffer.from('s'));
  expect(keys).toHaveLength(5);
  expect(input.done).toEqual(['raw', 'paused', 'cooked']);
});

it('restores the terminal when the process exits before it is closed', () => {
  const before = process.listeners('exit');
  const input = new TypedInput();
  const { keyboard } = keyboardOf(input);
  const [restore] = process.listeners('exit').filter((listener) => !before.includes(listener));
  restore!(0);
  expect(input.done).toEqual(['raw', 'cooked']);
  keyboard.close();
  expect(process.listeners('exit')).toEqual(before);
});

it('leaves alone what is no terminal', () => {
  const input = new TypedInput(false);
  keyboardOf(input).keyboard.close();
  expect(input.done).toEqual([]);
});

it('survives a terminal that has gone, which cannot be given back', () => {
  const input = new TypedInput();
  const { keyboard } = keyboardOf(input);
  input.setRawMode = () => {
    input.emit('error', new Error('setRawMode EIO'));
    return input;
  };
  keyboard.close();
  expect(input.done).toEqual(['raw', 'paused']);
});
