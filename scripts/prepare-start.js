// Writes what `fastcache` need not find out at each start: the flags of its commands (oclif.manifest.json), and
// its help (dist/help.txt). `npm run build` runs this, so that neither is older than the commands.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The help has its headings in bold; bin/run.js takes that out where it is not wanted.
process.env.FORCE_COLOR = '1';
// A terminal of this width is the narrowest that shows the help as it stands here.
process.env.OCLIF_COLUMNS = '80';
const { Config, Help, Plugin } = await import('@oclif/core');

const root = fileURLToPath(new URL('..', import.meta.url));
const target = process.argv[2] ?? root;

const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
});
await plugin.load();
writeFileSync(`${target}/oclif.manifest.json`, `${JSON.stringify(plugin.manifest)}\n`);

const config = await Config.load({ root });
mkdirSync(`${target}/dist`, { recursive: true });
writeFileSync(`${target}/dist/help.txt`, (await rootHelp()).replace(config.userAgent, '<version>'));

async function rootHelp() {
  let text = '';
  class Collected extends Help {
    log(line) {
      text += `${line}\n`;
    }
  }
  await new Collected(config, config.pjson.oclif.helpOptions).showHelp([]);
  return text;
}
