/**
 * Imported for its effect, before any store is made: the kernels of this test file are those of the debug
 * build, whose failed assertions throw. Suites that draw what they do import it.
 */
import { join } from 'node:path';
import { useKernelFile } from '../../src/engine/kernel.js';
import { repositoryRoot } from './processes.js';

useKernelFile(join(repositoryRoot, 'dist/kernel-debug.wasm'));
