import { expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.js';

it.each([
  [['bad\u001b[31mname'], 'command bad\\x1b[31mname not found'],
  [['frames', 'bad\u001b]0;title\u0007'], 'bad\\x1b]0;title\\x07 not found'],
  [['help', 'bad\u009b31m'], 'bad\\xc2\\x9b31m not found'],
])('an unknown command is named without its control characters: %j', async (args, named) => {
  const { status, stderr } = await runCommand(args);
  expect(status).toBe(2);
  expect(stderr).toContain(named);
});
