/** The output of a server's command when its ports are open: the ready line, and the event of `--json`. */
import { countText } from '../terminal/text.js';

/** The server that is ready. */
export interface ReadyServer {
  readonly bindAddress: string | undefined;
  readonly listenAddress: string | undefined;
  readonly listenTlsAddress: string | undefined;
  readonly metricsAddress: string | undefined;
  /** The primary that it follows, `host:port`; undefined: it leads. */
  readonly primary: string | undefined;
  readonly history: string | undefined;
  readonly shards: number;
  /** It was primary before, and has come back without its data. */
  readonly lacksData: boolean;
  keyCount(): number;
}

/** Where its content comes from, and whether its metrics are served by HTTPS, as the flags say. */
interface Sources {
  readonly metricsTls?: boolean | undefined;
  readonly load?: unknown;
  readonly recover?: unknown;
}

/** The event's fields, and the line for people. */
export interface Ready {
  readonly fields: Record<string, unknown>;
  readonly text: string;
}

/** Returns what to say of a server in the role that it has. */
export function readyOf(server: ReadyServer, { load, recover, metricsTls }: Sources = {}): Ready {
  const {
    bindAddress: bind,
    listenAddress: listen,
    listenTlsAddress: listenTls,
    metricsAddress: metrics,
    primary,
    history,
    shards,
  } = server;
  const places = {
    bind: bind ?? null,
    listen: listen ?? null,
    ...(listenTls !== undefined && { listenTls }),
    ...(metrics !== undefined && { metrics }),
  };
  const ports = [
    ...(bind === undefined ? [] : [`replicas on ${bind}`]),
    ...(listen === undefined ? [] : [`clients on ${listen}`]),
    ...(listenTls === undefined ? [] : [`clients by TLS on ${listenTls}`]),
    ...(metrics === undefined ? [] : [`metrics on ${metricsTls ? 'https' : 'http'}://${metrics}/metrics`]),
  ];
  const keys = server.keyCount();
  const counted = countText(keys, 'key', 'keys');
  if (primary !== undefined) {
    const served = ports.length === 0 ? ['no port for clients or replicas'] : ports;
    const held = keys === 0 ? 'no content yet' : `${counted} from before`;
    const text = `replica ready: follows ${[primary, ...served, held].join(', ')}`;
    return { fields: { role: 'replica', primary, ...places }, text };
  }
  const parts = [
    ...ports,
    `${shards} shards`,
    ...(load === undefined ? [] : [`${counted} loaded`]),
    ...(recover === undefined ? [] : [`${counted} recovered`]),
    ...(server.lacksData ? ['without its data'] : []),
    `history ${history}`,
  ];
  const fields = {
    role: 'primary',
    ...places,
    history,
    shards,
    loadedKeys: load === undefined ? undefined : keys,
    recoveredKeys: recover === undefined ? undefined : keys,
    ...(server.lacksData && { lacksData: true }),
  };
  return { fields, text: `primary ready: ${parts.join(', ')}` };
}
