/** What may keep commands from running at present, apart from the client's own state. */
export interface Situation {
  /** There is no content to read yet. */
  readonly isLoading: boolean;
  /** The link to the primary is down, and stale content must not be read. */
  readonly isStale: boolean;
  /** Too few good replicas are connected for writes. */
  readonly lacksReplicas: boolean;
  /** Which commands a pause postpones; undefined without a pause. */
  readonly paused: 'all' | 'write' | undefined;
}
