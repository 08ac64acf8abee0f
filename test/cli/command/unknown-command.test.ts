/** The answer to a command line that names no command. */
import { describe, expect, it } from 'vitest';
import { unknownCommand } from '../../../src/cli/command/unknown-command.js';
import { runCommand } from '../../support/run-command.js';

const commands = ['serve', 'watermarks', 'frames stats', 'frames state', 'primary start'];
const said = (...argv: string[]) => unknownCommand(argv, commands).message;

describe('an unknown command', () => {
  it.each([
    [['watermark'], 'There is no command watermark. Did you mean watermarks?'],
    [['serv', '--bind', ':0'], 'There is no command serv. Did you mean serve?'],
    [
      ['frames', 'stat', 'dump.fcrp'],
      'There is no command frames stat dump.fcrp. Did you mean frames stats?',
    ],
    [['help', 'watermark'], 'There is no command watermark. Did you mean watermarks?'],
    [['nonsense'], 'There is no command nonsense. fastcache --help lists the commands.'],
    [['x'.repeat(100_000)], `There is no command ${'x'.repeat(80)}…. fastcache --help lists the commands.`],
  ])('%#', (argv, message) => {
    expect(said(...argv)).toBe(message);
  });

  it('is told apart from an argument that a command does not take', () => {
    const message = 'serve takes no argument, and 127.0.0.1:1 is one. See: fastcache serve --help';
    expect(said('serve', '127.0.0.1:1', '--json')).toBe(message);
    expect(said('primary', 'start', 'now')).toContain('primary start takes no argument, and now is one.');
  });

  it('has our own line on stderr, one document with --json, and the exit status of usage', async () => {
    const { status, stdout, stderr } = await runCommand(['watermark']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('Error: There is no command watermark. Did you mean watermarks?\n');
    const json = await runCommand(['serve', 'extra\u001b[31m', '--json']);
    expect({ status: json.status, stderr: json.stderr }).toEqual({ status: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({
      error: {
        name: 'CLIError',
        code: 'USAGE',
        message: expect.stringContaining('takes no argument'),
        exit: 2,
      },
    });
  });
});
