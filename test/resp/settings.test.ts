/** Settings: their first values, the effect of a change, and the calls of `onChange`. */
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/resp/settings.js';
import { newSettings } from '../support/settings.js';

function set(settings: Settings, ...words: string[]): string | undefined {
  const pairs: [string, Buffer][] = [];
  for (let at = 0; at < words.length; at += 2) pairs.push([words[at]!, Buffer.from(words[at + 1]!)]);
  return settings.set(pairs);
}

describe('settings', () => {
  it('start as they are told, and else as in Redis', () => {
    expect(newSettings()).toMatchObject({
      maxMemoryBytes: 0,
      maxMemoryPolicy: 'noeviction',
      maxMemorySamples: 5,
      maxClients: 10_000,
      idleTimeoutSeconds: 0,
      queryBufferBytes: 2 ** 30,
      slowlogThresholdUs: 10_000,
      slowlogMaxLength: 128,
      hasPassword: false,
    });
    const told = newSettings({
      maxMemoryBytes: 5,
      eviction: 'volatile-ttl',
      maxClients: 3,
      password: 'x',
    });
    expect(told).toMatchObject({
      maxMemoryBytes: 5,
      maxMemoryPolicy: 'volatile-ttl',
      maxClients: 3,
      hasPassword: true,
    });
  });

  it('are all set, or none', () => {
    const settings = newSettings();
    expect(set(settings, 'maxclients', '5', 'timeout', 'x')).toMatch(/'timeout'/);
    expect(set(settings, 'maxclients', '5', 'databases', '2')).toMatch(/'databases'.*immutable/);
    expect(settings.maxClients).toBe(10_000);
    expect(set(settings, 'maxclients', '5', 'timeout', '9')).toBeUndefined();
    expect(settings).toMatchObject({ maxClients: 5, idleTimeoutSeconds: 9 });
  });

  it('tell their listeners when all are set, by their names', () => {
    const settings = newSettings();
    const heard: string[] = [];
    settings.onChange((name) => heard.push(`${name} ${settings.maxMemoryBytes} ${settings.maxMemoryPolicy}`));
    set(settings, 'MAXMEMORY', '1kb', 'maxmemory-policy', 'allkeys-lru');
    set(settings, 'maxmemory', 'x');
    expect(heard).toEqual(['maxmemory 1024 allkeys-lru', 'maxmemory-policy 1024 allkeys-lru']);
  });

  it('that are facts can be set to what they are, and to nothing else', () => {
    const settings = newSettings({ maxValueBytes: 1024, port: () => 7 });
    expect(set(settings, 'save', '', 'appendonly', 'NO', 'port', '7')).toBeUndefined();
    for (const [name, value] of [
      ['save', '3600 1'],
      ['appendonly', 'yes'],
      ['port', '8'],
      ['proto-max-bulk-len', '1024'],
    ] as const) {
      expect(set(settings, name, value)).toBe(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`,
      );
    }
  });

  it('know the policies that Redis has', () => {
    expect(set(newSettings(), 'maxmemory-policy', 'allkeys-lfu')).toBeUndefined();
    expect(set(newSettings(), 'maxmemory-policy', 'allkeys-ttl')).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the following: " +
        'noeviction, allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru, volatile-lfu, volatile-random, volatile-ttl',
    );
  });

  it('leave the queues of replicas alone', () => {
    const settings = newSettings({ replicaQueueBytes: 5 });
    expect(settings.show('client-output-buffer-limit')).toBe(
      'normal 0 0 0 slave 5 0 0 pubsub 33554432 8388608 60',
    );
    expect(set(settings, 'client-output-buffer-limit', 'replica 5 0 0 normal 9 8 7')).toBeUndefined();
    expect(set(settings, 'client-output-buffer-limit', 'replica 6 0 0')).toMatch(
      /can't set immutable config$/,
    );
    expect(settings.outputLimit('normal')).toEqual({ hardBytes: 9n, softBytes: 8n, softSeconds: 7 });
  });

  it('match the password that is set, byte for byte, and any where none is', () => {
    const settings = newSettings();
    expect(settings.passwordMatches(Buffer.from('anything'))).toBe(true);
    const password = Buffer.from([0, 0xff, 0x41]);
    settings.set([['requirepass', password]]);
    expect(settings.passwordMatches(password)).toBe(true);
    for (const wrong of [
      Buffer.of(),
      Buffer.of(0),
      Buffer.from([0, 0xff, 0x42]),
      Buffer.from([0, 0xff, 0x41, 0]),
    ]) {
      expect(settings.passwordMatches(wrong)).toBe(false);
    }
  });

  it('have no names but their own', () => {
    const settings = newSettings();
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(settings.show(name)).toBeUndefined();
      expect(set(settings, name, '1')).toMatch(/^ERR Unknown option/);
    }
  });
});
