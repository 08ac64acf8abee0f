/** Where the core says what an operator should know. It does not know of streams, levels' colours or files. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
