/** Settings of a server that was started with its defaults, but for what a test says. */
import { type InitialSettings, Settings } from '../../src/resp/settings.js';
import { primaryConfig } from '../../src/server/config.js';
import { configOptions } from '../../src/server/config-options.js';
import type { OptionValues } from '../../src/server/option-types.js';

export type TestSettings = Partial<Omit<InitialSettings, 'options'> & Omit<OptionValues, 'bind'>>;

export function newSettings(told: TestSettings = {}): Settings {
  const options = configOptions({ ...primaryConfig({}), ...told });
  return new Settings({ bind: '127.0.0.1', port: () => 6380, ...told, options });
}
