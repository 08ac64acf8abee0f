/** The options of a server as CONFIG shows and sets them, made from their rows. */
import { type EventClasses, eventClasses, parseEventClasses } from '../resp/keyspace-event-classes.js';
import { Setting } from '../resp/setting.js';
import {
  bytesUpTo,
  fileName,
  hostName,
  integerBetween,
  matching,
  memoryBetween,
  oneOf,
} from '../resp/setting-formats.js';
import type { ConfigOption } from '../resp/settings.js';
import type { AnyOption, ConfigNames, Place } from './option.js';
import type { OptionValues } from './option-types.js';
import { optionRows } from './options.js';
import type { Range } from './ranges.js';

const PORT_MAX = 65_535n;
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/**
 * CONFIG's options: those that have a name in Redis, except addresses, which the server adds when it listens.
 */
export function configOptions(values: { [name in keyof OptionValues]?: unknown }): ConfigOption[] {
  return optionRows.flatMap(([name, option]) => {
    if (option.kind === 'place') return placeOptions(option.config!, values[name] as Place);
    const setting = option.config && settingOf(option, values[name]);
    return setting === undefined ? [] : [{ ...option.config!, setting }];
  });
}

/** CONFIG has the two parts of a place apart. */
function placeOptions({ names, change }: ConfigNames, { host, port }: Place): ConfigOption[] {
  const part = (end: string, setting: ConfigOption['setting']) => ({
    names: names.filter((name) => name.endsWith(end)),
    change,
    setting,
  });
  return [
    part('-ip', new Setting(hostName, host)),
    part('-port', new Setting(integerBetween(0n, PORT_MAX), BigInt(port))),
  ];
}

function settingOf(option: AnyOption, value: unknown): Setting<unknown> | undefined {
  switch (option.kind) {
    case 'count':
      return new Setting(integerBetween(...range(option, INT64_MAX)), BigInt(Number(value)));
    case 'size':
      return new Setting(memoryBetween(...range(option, UINT64_MAX)), BigInt(Number(value)));
    case 'choice':
      return new Setting(oneOf(option.choices), String(value));
    case 'events':
      return new Setting<EventClasses>(eventClasses, parseEventClasses(String(value)) ?? new Set());
    case 'secret':
      return new Setting(bytesUpTo(option.maxBytes), Buffer.from(String(value ?? '')));
    case 'text':
      return new Setting(matching(option.pattern, option.expected), String(value ?? ''));
    case 'file':
      return new Setting(fileName, String(value ?? ''));
    case 'boolean':
      return new Setting(oneOf(['no', 'yes']), value === true ? 'yes' : 'no');
    default:
      return undefined;
  }
}

/** The bounds of a row; without an upper bound, CONFIG takes what Redis' integer can be. */
function range({ min = 0, max }: Range, most: bigint): [bigint, bigint] {
  return [BigInt(min), max === undefined ? most : BigInt(max)];
}
