/** The address that a node announces to clients, from its settings and its port. */
import type { Announcement } from '../replication/link/announced.js';
import type { Settings } from '../resp/settings.js';

/** The node that announces itself. */
export interface AnnouncedNode {
  readonly settings: Settings;
  /** The port on which clients are listened to; 0: none is open. */
  readonly clientPort: number;
}

/** Returns what is announced at present; undefined for a node that serves no clients. */
export function announcementOf({ settings, clientPort }: AnnouncedNode): Announcement | undefined {
  const { announcedHost, announcedPort } = settings;
  const port = announcedPort === 0 ? clientPort : announcedPort;
  return port === 0 ? undefined : { host: announcedHost === '' ? undefined : announcedHost, port };
}
