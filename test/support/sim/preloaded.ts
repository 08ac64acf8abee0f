/**
 * Imported for its effect: the modules that a node with a data directory loads only when it needs them. A
 * virtual world does not wait for the system's disk.
 */
import '../../../src/data/data-directory.js';
import '../../../src/data/open-data.js';
import '../../../src/dump/fold/store-entries.js';
import '../../../src/server/beginning.js';
import '../../../src/server/catch-up.js';
import '../../../src/server/data.js';
import '../../../src/server/recovery.js';
import '../../../src/server/role-file.js';
