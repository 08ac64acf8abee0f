/** The families of commands, gathered into the table. */
import { CommandTable } from '../command-table.js';
import { clientCommands } from './client.js';
import { commandCommands } from './command.js';
import { configCommands } from './config.js';
import { connectionCommands } from './connection.js';
import { latencyCommands } from './latency.js';
import { replicationCommands } from './replication.js';
import { serverCommands } from './server.js';
import { slowlogCommands } from './slowlog.js';

export const commandTable: CommandTable = new CommandTable([
  ...connectionCommands,
  ...clientCommands,
  ...commandCommands(() => commandTable),
  ...configCommands,
  ...serverCommands,
  ...replicationCommands,
  ...slowlogCommands,
  ...latencyCommands,
]);
