/** The flag that says which server is asked for keys. */
import * as Flags from '@oclif/core/flags';
import { parseHostPort } from '../command/values.js';

/** A flag for the address of a server, with the port of clients of one on this machine as its default. */
export function endpointFlag(summary: string) {
  return Flags.custom<string>({
    summary,
    helpValue: '<host:port>',
    parse: async (text) => parseHostPort(text),
  })({ default: '127.0.0.1:6380' });
}
