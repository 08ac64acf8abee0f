// Has api-extractor read the declarations of an entry point: for its types in one file, or for the reference.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

/** The root of the package. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** The entry points and their declarations. */
export const entries = { index: 'dist/src/index.d.ts', frames: 'dist/src/frames/index.d.ts' };

/** Throws unless what is asked for has been written, as `outputs` of api-extractor's configuration say. */
export function extract(entry, outputs) {
  const path = join(root, entry);
  const config = ExtractorConfig.prepare({
    configObject: {
      mainEntryPointFilePath: path,
      projectFolder: root,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            module: 'nodenext',
            lib: ['es2023', 'esnext.disposable'],
            types: ['node'],
            strict: true,
          },
          files: [path],
        },
      },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
      ...outputs,
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const result = Extractor.invoke(config, {
    messageCallback(message) {
      // The version of its compiler is no news.
      message.handled = message.logLevel === 'info';
    },
  });
  if (!result.succeeded) throw new Error(`The declarations of ${entry} cannot be read.`);
}
