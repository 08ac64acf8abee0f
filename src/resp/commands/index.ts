/** The families of commands, gathered into the table. */
import { CommandTable } from '../command-table.js';
import { aclCommands } from './acl.js';
import { bitFieldCommands } from './bit-fields.js';
import { bitOperationCommands } from './bit-operations.js';
import { bitCommands } from './bits.js';
import { clientCommands } from './client.js';
import { commandCommands } from './command.js';
import { compareCommands } from './compare.js';
import { configCommands } from './config.js';
import { connectionCommands } from './connection.js';
import { databaseCommands } from './databases.js';
import { dumpCommands } from './dump.js';
import { failoverCommands } from './failover.js';
import { floatCommands } from './floats.js';
import { increxCommands } from './increx.js';
import { kernelCommands } from './kernel.js';
import { keyCommands } from './keys.js';
import { keyspaceCommands } from './keyspace.js';
import { latencyCommands } from './latency.js';
import { lcsCommands } from './lcs.js';
import { memoryCommands } from './memory.js';
import { migrateCommands } from './migrate.js';
import { msetexCommands } from './msetex.js';
import { objectCommands } from './object.js';
import { persistenceCommands } from './persistence.js';
import { pubsubCommands } from './pubsub.js';
import { rangeCommands } from './ranges.js';
import { replicationCommands } from './replication.js';
import { scriptCommands } from './scripts.js';
import { serverCommands } from './server.js';
import { slowlogCommands } from './slowlog.js';
import { stringCommands } from './strings.js';
import { transactionCommands } from './transactions.js';

/** Every command that clients can send. */
export const commandTable: CommandTable = new CommandTable([
  ...kernelCommands,
  ...stringCommands,
  ...rangeCommands,
  ...msetexCommands,
  ...compareCommands,
  ...floatCommands,
  ...increxCommands,
  ...bitCommands,
  ...bitFieldCommands,
  ...bitOperationCommands,
  ...lcsCommands,
  ...keyCommands,
  ...keyspaceCommands,
  ...dumpCommands,
  ...databaseCommands,
  ...migrateCommands,
  ...objectCommands,
  ...memoryCommands,
  ...transactionCommands,
  ...pubsubCommands,
  ...scriptCommands,
  ...connectionCommands,
  ...clientCommands,
  ...commandCommands(() => commandTable),
  ...configCommands,
  ...serverCommands,
  ...replicationCommands,
  ...failoverCommands,
  ...slowlogCommands,
  ...latencyCommands(() => commandTable),
  ...persistenceCommands,
  ...aclCommands(() => commandTable),
]);
