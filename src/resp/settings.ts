/**
 * The settings that CONFIG GET shows and CONFIG SET changes: only settings that are really there and take
 * effect. Each setting is kept here; the parts that must act on a change (the store's memory limit, the
 * server's clients) learn of it by `onChange`.
 */
import assert from 'node:assert';
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  DEFAULT_EVICTION_SAMPLES,
  DEFAULT_USE_COUNTING,
  type EvictionPolicy,
  type UseCounting,
} from '../engine/memory-limit.js';
import { DataSettings } from './data-settings.js';
import type { EventClasses } from './keyspace-event-classes.js';
import { Fact, IMMUTABLE, type Named, Setting } from './setting.js';
import { settingFacts } from './setting-facts.js';
import {
  bytesUpTo,
  integerBetween,
  memoryBetween,
  type OutputClass,
  type OutputLimit,
  type OutputLimits,
  outputLimits,
  percentiles,
  Refusal,
  yesOrNo,
} from './setting-formats.js';

/** An option of the server, as CONFIG shows and maybe sets it. */
export interface ConfigOption {
  /** The name in Redis, and behind it its older names; in lower case. */
  readonly names: readonly string[];
  /**
   * `fixed`: CONFIG SET accepts the present value only; `immutable`: CONFIG SET refuses every value, as Redis
   * does.
   */
  readonly change: 'settable' | 'fixed' | 'immutable';
  readonly setting: Setting<unknown>;
}

/** The settings that a server starts with; an absent one has Redis' default. */
export interface InitialSettings {
  /** All options that CONFIG names, except the address that is listened on. */
  readonly options: readonly ConfigOption[];
  readonly maxMemorySamples?: number;
  readonly maxClients?: number;
  readonly idleTimeoutSeconds?: number;
  readonly queryBufferBytes?: number;
  /** Bytes that may wait for a replica; one with more waiting is disconnected. */
  readonly replicaQueueBytes?: number;
  /** The address that is listened on; empty when the server does not listen. */
  readonly bind: string;
  /** Returns the port that is listened on, which is known only once the server listens. */
  readonly port: () => number;
  /** Returns the primary that is followed as `host port`; empty while this server leads. */
  readonly replicaOf?: () => string;
  /** Bytes of frames that are kept for replicas at most. */
  readonly backlogBytes?: number;
  /** Returns the port of TLS that is listened on; 0 for none. */
  readonly tlsPort?: () => number;
  /** The path of the directory in which all is kept; undefined: none. */
  readonly data?: string | undefined;
  /** Whether clients must present a certificate there. */
  readonly asksClientCertificates?: boolean;
}

/** The part that puts settings into effect that may turn out to be unusable. */
export interface SettingsGuard {
  readonly names: readonly string[];
  /** Called when one of them is set; returns why that cannot be, and all of the command is undone. */
  apply(): string | undefined;
}

const INT_MAX = 2n ** 31n - 1n;
const UINT_MAX = 2n ** 32n - 1n;
const INT64_MAX = 2n ** 63n - 1n;
const MIB = 1024 * 1024;
const AVAILABILITY_ZONE_BYTES_MAX = 255;

/** The settings of one server. */
export class Settings {
  readonly #maxMemory: Setting<bigint>;
  readonly #maxMemoryPolicy: Setting<EvictionPolicy>;
  readonly #maxMemorySamples: Setting<bigint>;
  readonly #lfuLogFactor = new Setting(integerBetween(0n, INT_MAX), BigInt(DEFAULT_USE_COUNTING.logFactor));
  readonly #lfuDecayTime = new Setting(
    integerBetween(0n, INT_MAX),
    BigInt(DEFAULT_USE_COUNTING.decayMinutes),
  );
  readonly #maxClients: Setting<bigint>;
  readonly #timeout: Setting<bigint>;
  readonly #queryBufferLimit: Setting<bigint>;
  readonly #outputLimits: Setting<OutputLimits>;
  readonly #slowlogThreshold = new Setting(integerBetween(-1n, INT64_MAX), 10_000n);
  readonly #slowlogMaxLength = new Setting(integerBetween(0n, INT64_MAX), 128n);
  readonly #trackingTableMaxKeys = new Setting(integerBetween(0n, INT64_MAX), 1_000_000n);
  readonly #busyReplyThreshold = new Setting(integerBetween(0n, INT64_MAX), 5_000n);
  readonly #availabilityZone = new Setting(bytesUpTo(AVAILABILITY_ZONE_BYTES_MAX), Buffer.alloc(0));
  readonly #latencyTracking = new Setting(yesOrNo, true);
  readonly #latencyPercentiles = new Setting(percentiles, [50, 99, 99.9]);
  readonly #password: Setting<Buffer>;
  readonly #minReplicas: Setting<bigint>;
  readonly #minReplicasMaxLag: Setting<bigint>;
  readonly #freshHistory: Setting<string>;
  readonly #announcedHost: Setting<string>;
  readonly #announcedPort: Setting<bigint>;
  readonly #replicaPriority: Setting<bigint>;
  readonly #replicaAnnounced: Setting<string>;
  readonly #eventClasses: Setting<EventClasses>;
  /** The settings of the data directory. */
  readonly data: DataSettings;
  /** The longest argument, key or value, in bytes. */
  readonly maxValueBytes: number;
  readonly #byName: ReadonlyMap<string, Named>;
  readonly #guards: SettingsGuard[] = [];
  readonly #listeners: ((name: string) => void)[] = [];

  constructor(initial: InitialSettings) {
    const {
      options,
      maxMemorySamples = DEFAULT_EVICTION_SAMPLES,
      maxClients = 10_000,
      idleTimeoutSeconds = 0,
      queryBufferBytes = 1024 * MIB,
      replicaQueueBytes = 0,
    } = initial;
    this.maxValueBytes = settingOf<bigint>(options, 'proto-max-bulk-len').number;
    this.#maxMemory = settingOf(options, 'maxmemory');
    this.#maxMemoryPolicy = settingOf(options, 'maxmemory-policy');
    this.#maxMemorySamples = new Setting(integerBetween(1n, INT_MAX), BigInt(maxMemorySamples));
    this.#maxClients = new Setting(integerBetween(1n, UINT_MAX), BigInt(maxClients));
    this.#timeout = new Setting(integerBetween(0n, INT_MAX), BigInt(idleTimeoutSeconds));
    this.#queryBufferLimit = new Setting(memoryBetween(BigInt(MIB), INT64_MAX), BigInt(queryBufferBytes));
    this.#outputLimits = new Setting(outputLimits, {
      normal: { hardBytes: 0n, softBytes: 0n, softSeconds: 0 },
      slave: { hardBytes: BigInt(replicaQueueBytes), softBytes: 0n, softSeconds: 0 },
      pubsub: { hardBytes: BigInt(32 * MIB), softBytes: BigInt(8 * MIB), softSeconds: 60 },
    });
    this.#password = settingOf(options, 'requirepass');
    this.#minReplicas = settingOf(options, 'min-replicas-to-write');
    this.#minReplicasMaxLag = settingOf(options, 'min-replicas-max-lag');
    this.#freshHistory = settingOf(options, 'fresh-history');
    this.#announcedHost = settingOf(options, 'replica-announce-ip');
    this.#announcedPort = settingOf(options, 'replica-announce-port');
    this.#replicaPriority = settingOf(options, 'replica-priority');
    this.#replicaAnnounced = settingOf(options, 'replica-announced');
    this.#eventClasses = settingOf(options, 'notify-keyspace-events');
    this.data = new DataSettings(<Value>(name: string) => settingOf<Value>(options, name));
    this.#byName = new Map([...options.flatMap(namedOf), ...this.#settable(), ...settingFacts(initial)]);
  }

  /** The limit of keys, values and tables in bytes; 0: only the store's own limit counts. */
  get maxMemoryBytes(): number {
    return this.#maxMemory.number;
  }

  get maxMemoryPolicy(): EvictionPolicy {
    return this.#maxMemoryPolicy.value;
  }

  get maxMemorySamples(): number {
    return this.#maxMemorySamples.number;
  }

  /** How LFU policies count uses. */
  get useCounting(): UseCounting {
    return { logFactor: this.#lfuLogFactor.number, decayMinutes: this.#lfuDecayTime.number };
  }

  get maxClients(): number {
    return this.#maxClients.number;
  }

  /** Seconds of silence after which a client is disconnected; 0: never. */
  get idleTimeoutSeconds(): number {
    return this.#timeout.number;
  }

  /** Bytes after which a client is disconnected whose command, or transaction, has not ended. */
  get queryBufferBytes(): number {
    return this.#queryBufferLimit.number;
  }

  /** The number of good replicas below which writes are refused; 0: writes are never refused. */
  get minReplicas(): number {
    return this.#minReplicas.number;
  }

  /** Seconds since its last acknowledgement for which a replica is good; 0: writes are never refused. */
  get minReplicasMaxLagSeconds(): number {
    return this.#minReplicasMaxLag.number;
  }

  /** Whether replicas are to give up other histories for what is served here. */
  get hasFreshHistory(): boolean {
    return this.#freshHistory.value === 'yes';
  }

  /** The host at which others are to reach this server; empty: the address that they see. */
  get announcedHost(): string {
    return this.#announcedHost.value;
  }

  /** The port at which they are to reach it; 0: the one that is listened on. */
  get announcedPort(): number {
    return this.#announcedPort.number;
  }

  /** The lower, the sooner a supervisor promotes this replica; 0: never. */
  get replicaPriority(): number {
    return this.#replicaPriority.number;
  }

  /** Whether supervisors are to list this replica for clients. */
  get isReplicaAnnounced(): boolean {
    return this.#replicaAnnounced.value === 'yes';
  }

  /** How many keys may be tracked for clients; 0: as many as there is memory for. */
  get trackingTableMaxKeys(): number {
    return this.#trackingTableMaxKeys.number;
  }

  /** The classes of keyspace events that are published. */
  get eventClasses(): EventClasses {
    return this.#eventClasses.value;
  }

  outputLimit(kind: Exclude<OutputClass, 'slave'>): OutputLimit {
    return this.#outputLimits.value[kind];
  }

  /** Microseconds from which on a command is put in the slow log; below 0: none is. */
  get slowlogThresholdUs(): number {
    return this.#slowlogThreshold.number;
  }

  get slowlogMaxLength(): number {
    return this.#slowlogMaxLength.number;
  }

  /** Milliseconds after which a script's clients are answered BUSY; 0: never. */
  get busyReplyThresholdMs(): number {
    return this.#busyReplyThreshold.number;
  }

  /** Where the server is, as HELLO shows it; empty where nobody has said so. */
  get availabilityZone(): Buffer {
    return this.#availabilityZone.value;
  }

  /** Whether the latencies of commands are counted. */
  get tracksLatency(): boolean {
    return this.#latencyTracking.value;
  }

  /** The percentiles of latencies that INFO shows. */
  get latencyPercentiles(): readonly number[] {
    return this.#latencyPercentiles.value;
  }

  get hasPassword(): boolean {
    return this.#password.value.length > 0;
  }

  /** The password as text; undefined where none is asked for. */
  get password(): string | undefined {
    return this.hasPassword ? this.#password.value.toString() : undefined;
  }

  /** The SHA-256 of the password, in hex; undefined where none is asked for. */
  get passwordDigest(): string | undefined {
    return this.hasPassword ? digestOf(this.#password.value).toString('hex') : undefined;
  }

  /** Bytes of the password; 0: none is asked for. */
  get passwordBytes(): number {
    return this.#password.value.length;
  }

  /**
   * Whether this is the password; where none is asked for, every one matches. The time that it takes reveals
   * nothing about the password, not even its length.
   */
  passwordMatches(candidate: Uint8Array): boolean {
    const equal = timingSafeEqual(digestOf(candidate), digestOf(this.#password.value));
    return equal || !this.hasPassword;
  }

  /**
   * `listener` is called with the name of each setting that CONFIG SET has set, after all of one command are.
   */
  onChange(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Has `guard` put settings into effect. */
  guard(guard: SettingsGuard): void {
    this.#guards.push(guard);
  }

  /** The names of all settings, in lower case. */
  names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** Redis' spelling of a setting's value; undefined when there is none of this name (in lower case). */
  show(name: string): string | Buffer | undefined {
    return this.#byName.get(name)?.show();
  }

  /** CONFIG SET: all pairs of name and value, or none of them and the error's text. */
  set(pairs: readonly (readonly [name: string, value: Buffer])[]): string | undefined {
    const seen = new Set<string>();
    for (const [spelled] of pairs) {
      const name = spelled.toLowerCase();
      const setting = this.#byName.get(name);
      if (setting === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${spelled}'`;
      }
      if (setting instanceof Fact && setting.isImmutableInRedis) return failure(spelled, IMMUTABLE);
      if (seen.has(name)) return failure(spelled, 'duplicate parameter');
      seen.add(name);
    }
    const changes: (() => void)[] = [];
    for (const [spelled, value] of pairs) {
      const name = spelled.toLowerCase();
      const change = this.#byName.get(name)!.prepare(value);
      if (change instanceof Refusal) return failure(name, change.text);
      changes.push(change);
    }
    const undo = [...seen].map((name) => this.#byName.get(name)!.undo());
    for (const change of changes) change();
    for (const { names, apply } of this.#guards) {
      const name = names.find((guarded) => seen.has(guarded));
      const refusal = name === undefined ? undefined : apply();
      if (refusal === undefined) continue;
      for (const back of undo) back();
      return failure(name!, refusal);
    }
    for (const name of seen) {
      for (const listener of this.#listeners) listener(name);
    }
    return undefined;
  }

  #settable(): [string, Named][] {
    return [
      ['maxmemory-samples', this.#maxMemorySamples],
      ['lfu-log-factor', this.#lfuLogFactor],
      ['lfu-decay-time', this.#lfuDecayTime],
      ['maxclients', this.#maxClients],
      ['timeout', this.#timeout],
      ['client-query-buffer-limit', this.#queryBufferLimit],
      ['client-output-buffer-limit', this.#outputLimits],
      ['slowlog-log-slower-than', this.#slowlogThreshold],
      ['slowlog-max-len', this.#slowlogMaxLength],
      ['tracking-table-max-keys', this.#trackingTableMaxKeys],
      ['busy-reply-threshold', this.#busyReplyThreshold],
      ['lua-time-limit', this.#busyReplyThreshold],
      ['availability-zone', this.#availabilityZone],
      ['latency-tracking', this.#latencyTracking],
      ['latency-tracking-info-percentiles', this.#latencyPercentiles],
      // Nothing is sampled (LATENCY), so that the only value is 0, which turns sampling off.
      ['latency-monitor-threshold', new Setting(integerBetween(0n, 0n), 0n)],
    ];
  }
}

function settingOf<Value>(options: readonly ConfigOption[], name: string): Setting<Value> {
  const option = options.find(({ names }) => names[0] === name);
  assert(option !== undefined, `a server has the setting ${name}`);
  return option.setting as Setting<Value>;
}

function namedOf({ names, change, setting }: ConfigOption): [string, Named][] {
  const isImmutableInRedis = change === 'immutable';
  const named =
    change === 'settable' ? setting : new Fact(() => String(setting.show()), { isImmutableInRedis });
  return names.map((name) => [name, named]);
}

/**
 * The error of CONFIG SET. `name` is what Redis names here: the spelling that was given or, for a refused
 * value, the setting's own.
 */
function failure(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
