/**
 * The arguments of a command that monitors and the slow log may see: secrets are replaced, in Redis' words.
 */
import { wordOf } from './arguments.js';

const REDACTED = Buffer.from('(redacted)');
/** Redis' settings that are secrets, those included that are not known here. */
const SECRET_SETTINGS = new Set([
  'requirepass',
  'masterauth',
  'tls-key-file-pass',
  'tls-client-key-file-pass',
]);

/** The arguments without their secrets. `fullName` is the command table's. */
export function redacted(fullName: string, args: readonly Buffer[]): readonly Buffer[] {
  if (fullName === 'auth') return hide(args, (index) => index > 0);
  if (fullName === 'hello') {
    return hide(args, (index) => wordOf(args, index - 1) === 'auth' || wordOf(args, index - 2) === 'auth');
  }
  if (fullName === 'config|set') {
    return hide(args, (index) => index % 2 === 1 && SECRET_SETTINGS.has(wordOf(args, index - 1)));
  }
  if (fullName === 'migrate') {
    const isBehind = (index: number, word: string) => index > 5 && wordOf(args, index) === word;
    return hide(
      args,
      (index) => isBehind(index - 1, 'auth') || isBehind(index - 1, 'auth2') || isBehind(index - 2, 'auth2'),
    );
  }
  return args;
}

function hide(args: readonly Buffer[], isSecret: (index: number) => boolean): readonly Buffer[] {
  return args.map((arg, index) => (isSecret(index) ? REDACTED : arg));
}
