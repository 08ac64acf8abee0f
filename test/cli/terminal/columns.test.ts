import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignCells, cutLine, wrapParts, wrapWords } from '../../../src/cli/terminal/columns.js';

const chalk = new Chalk({ level: 1 });
const withoutColours = stripVTControlCharacters;

describe('columns', () => {
  it('takes a bar of a sparkline for one column, and a wide character for two', () => {
    expect(cutLine('▁▂▃█', 4)).toBe('▁▂▃█');
    expect(cutLine('▁▂▃█', 3)).toBe('▁▂…');
    expect(cutLine('漢字', 4)).toBe('漢字');
    expect(cutLine('漢字', 3)).toBe('漢…');
  });

  it('are as wide as their widest cell, colours not counted', () => {
    const lines = alignCells([
      [{ text: 'state', isLeft: true }, { text: 'records' }, { text: 'who', isLeft: true }],
      [
        { text: 'live', isLeft: true, style: chalk.green },
        { text: '1,204', style: chalk.green },
        { text: 'a:1', isLeft: true },
      ],
      [{ text: 'catching-up', isLeft: true }, { text: '3' }, { text: '', isLeft: true }],
    ]);
    expect(lines.map(withoutColours)).toEqual([
      'state        records  who',
      'live           1,204  a:1',
      'catching-up        3',
    ]);
    expect(lines[1]).toContain(chalk.green('live'));
  });
});

describe('a line cut to a width', () => {
  it('stays as it is when it fits', () => {
    expect(cutLine('twelve chars', 12)).toBe('twelve chars');
    expect(cutLine(chalk.red('twelve chars'), 12)).toBe(chalk.red('twelve chars'));
    expect(cutLine('', 0)).toBe('');
  });

  it('ends in a dot that says so, and in no colour', () => {
    expect(cutLine('twelve chars', 11)).toBe('twelve cha…');
    expect(cutLine(chalk.red('twelve chars'), 4)).toBe('\u001b[31mtwe…\u001b[0m');
    expect(cutLine('twelve', 1)).toBe('…');
    expect(cutLine('twelve', 0)).toBe('');
  });

  it('counts two columns for what may take two', () => {
    expect(cutLine('日本語', 6)).toBe('日本語');
    expect(cutLine('日本語', 5)).toBe('日本…');
    expect(cutLine('日本語', 4)).toBe('日…');
  });

  it('is never wider, whatever is in it', () => {
    const anyPart = fc.oneof(
      fc.string({ unit: 'grapheme-ascii' }),
      fc.constantFrom('日', 'é', chalk.red('x'), chalk.dim('…')),
    );
    fc.assert(
      fc.property(fc.array(anyPart), fc.nat(40), (parts, width) => {
        const cut = withoutColours(cutLine(parts.join(''), width));
        const columns = [...cut].reduce((sum, character) => sum + (character === '日' ? 2 : 1), 0);
        expect(columns).toBeLessThanOrEqual(width);
      }),
    );
  });
});

it('wraps parts and words at the width, whatever colours are in them', () => {
  expect(wrapParts(['one', '\u001b[1mtwo\u001b[22m', 'three'], 8)).toEqual([
    'one  \u001b[1mtwo\u001b[22m',
    'three',
  ]);
  expect(wrapParts(['longer than that', 'x'], 8)).toEqual(['longer than that', 'x']);
  expect(wrapParts(['a', 'b'], Number.POSITIVE_INFINITY)).toEqual(['a  b']);
  expect(wrapWords('a text of words', 6)).toEqual(['a text', 'of', 'words']);
});
