#!/usr/bin/env node
// The installed entry point: runs the compiled commands in dist/.
// chalk does not know NO_COLOR by itself; this must stand before it is imported.
if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
const { runCommandLine } = await import('../dist/src/cli/command/entry.js');
await runCommandLine(import.meta.url);
