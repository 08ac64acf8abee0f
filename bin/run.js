#!/usr/bin/env node
// The installed entry point: runs the compiled commands in dist/.
// chalk does not know NO_COLOR by itself; this must stand before it is imported.
if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });
