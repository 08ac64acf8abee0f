import { expect, it } from 'vitest';
import { expiryChange } from '../../src/import/expiry-change.js';
import { Translator } from '../../src/import/translate.js';

const words = (text: string) => text.split(' ').map((word) => Buffer.from(word));

/** Returns the translation of a stream of commands, a line each. */
function translated(database: number, ...commands: string[]): string[] {
  const translator = new Translator(database);
  return commands.flatMap((command) => {
    const args = words(command);
    const translation = translator.translate(String(args[0]).toUpperCase(), args);
    if (translation.kind === 'nothing') return [];
    if (translation.kind === 'resync') return ['resync'];
    const sent = translation.commands.map((one) => one.map(String).join(' '));
    return translation.kind === 'send' ? sent : ['foreign', ...sent];
  });
}

it('a condition that a primary has found fulfilled is not asked again', () => {
  expect(
    translated(0, 'SET k NX NX GET PXAT 5', 'set k v IFEQ old KEEPTTL', 'SETNX k v', 'MSETNX a 1 b 2'),
  ).toEqual(['SET k NX PXAT 5', 'set k v KEEPTTL', 'SET k v', 'MSET a 1 b 2']);
});

it('what another type replaces goes, whether or not it is there itself', () => {
  expect(translated(0, 'RENAME a b', 'RENAME a a', 'COPY a b REPLACE', 'MOVE a 2')).toEqual([
    ...['DEL b', 'RENAME a b', 'DEL b', 'COPY a b', 'foreign', 'DEL a'],
  ]);
  expect(translated(0, 'SUNIONSTORE a b', 'SORT l BY x STORE d', 'LPUSH l v', 'PFADD p v')).toEqual([
    ...['foreign', 'DEL a', 'foreign', 'DEL d', 'foreign', 'foreign', 'DEL p'],
  ]);
  expect(translated(0, 'RESTORE k 0 \0payload', 'RESTORE k 0 \x04payload')).toEqual([
    ...['DEL k', 'RESTORE k 0 \0payload', 'foreign', 'DEL k'],
  ]);
});

it('commands are those of the database that is selected', () => {
  expect(
    translated(2, 'SET k v', 'PING', 'SELECT 2', 'SET k v', 'SELECT 0', 'PUBLISH c m', 'FLUSHALL'),
  ).toEqual([...['foreign', 'SET k v', 'PUBLISH c m', 'FLUSHALL']]);
  expect(
    translated(0, 'SWAPDB 1 2', 'SWAPDB 0 1', 'SELECT 1', 'MOVE k 0', 'COPY k l DB 0', 'MOVE k 2'),
  ).toEqual([...['resync', 'resync', 'resync', 'foreign']]);
});

it('the expiry that a command gives is found, and can be another one', () => {
  const changeOf = (text: string) => {
    const change = expiryChange(words(text));
    return change && [change.item.expireAtMs, change.with(9n).map(String).join(' ')];
  };
  expect(changeOf('SET k PXAT PXAT 5')).toEqual([5n, 'SET k PXAT PXAT 9']);
  expect(changeOf('SET k KEEPTTL')).toEqual([null, 'SET k KEEPTTL']);
  expect(changeOf('SET k v KEEPTTL')).toBeUndefined();
  expect(changeOf('PEXPIREAT k 5')).toEqual([5n, 'PEXPIREAT k 9']);
  expect(changeOf('PERSIST k')).toEqual([null, 'PERSIST k']);
  expect(changeOf('APPEND k v')).toBeUndefined();
});
