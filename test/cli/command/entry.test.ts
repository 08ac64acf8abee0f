import { expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.js';

it.each([
  [['bad\u001b[31mname'], 'bad\\x1b[31mname'],
  [['frames', 'bad\u001b]0;title\u0007'], 'bad\\x1b]0;title\\x07'],
  [['help', 'bad\u009b31m'], 'bad\\xc2\\x9b31m'],
])('an unknown command is named without its control characters: %j', async (args, named) => {
  const { status, stderr } = await runCommand(args);
  expect(status).toBe(2);
  expect(stderr).toContain(named);
});
