/** The signatures that the engine gives the kernel are those of the compiled modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/processes.js';

type Exports = Record<string, unknown>;
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Exports };
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

const source = readFileSync(join(repositoryRoot, 'src/engine/kernel-exports.ts'), 'utf8');
/** By name the kinds of the arguments, in their order. */
const declared = new Map(
  Array.from(
    /interface KernelExports \{([\s\S]*?)\n\}/.exec(source)![1]!.matchAll(/^ {2}(\w+)(\??)\(([^)]*)\):/gm),
    ([, name, , parameters]) => [
      name!,
      Array.from(parameters!.matchAll(/: (number|bigint)/g), ([, kind]) => kind!),
    ],
  ),
);
const optional = Array.from(source.matchAll(/^ {2}(\w+)\?\(/gm), ([, name]) => name!);

function exportsOf(file: string): Exports {
  const none = () => {};
  const module = new Module(readFileSync(join(repositoryRoot, 'dist', file)));
  const host = { seal: none, dirty: none, note: none, changed: none };
  return new Instance(module, { host, env: { abort: none } }).exports;
}

function functionsOf(exports: Exports): [string, (...parameters: unknown[]) => unknown][] {
  return Object.entries(exports).flatMap(([name, value]) =>
    typeof value === 'function' ? [[name, value as () => unknown]] : [],
  );
}

describe.each([
  ['kernel.wasm', []],
  ['kernel-debug.wasm', optional],
])('%s', (file, extra) => {
  const exports = exportsOf(file);
  const functions = functionsOf(exports);
  const required = [...declared.keys()].filter((name) => !optional.includes(name));

  it('exports the functions that are declared and no others', () => {
    expect(functions.map(([name]) => name).sort()).toEqual([...required, ...extra].sort());
    expect(exports.memory).toBeDefined();
    expect(functions.length).toBeGreaterThan(80);
  });

  it('gives each function as many arguments as are declared', () => {
    for (const [name, value] of functions) expect(value.length, name).toBe(declared.get(name)!.length);
  });
});

it('an argument is declared as a bigint exactly where WebAssembly takes a u64', () => {
  // Before a function runs WebAssembly converts its arguments, one after the other: a bigint where a number
  // belongs, and the other way round, is a TypeError. The last argument throws, so that nothing runs.
  const stop = new Error('stop');
  const last = {
    valueOf: () => {
      throw stop;
    },
  };
  for (const [name, value] of functionsOf(exportsOf('kernel.wasm'))) {
    const kinds = declared.get(name)!;
    const given = kinds.map((kind) => (kind === 'bigint' ? 0n : 0));
    kinds.forEach((kind, place) => {
      const wrong = given.map((own, at) =>
        at === place ? (kind === 'bigint' ? 0 : 0n) : at > place ? last : own,
      );
      expect(() => value(...wrong), `${name}, argument ${place}`).toThrow(TypeError);
    });
  }
});
