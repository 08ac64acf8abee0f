/** Takes messages for the operator, one line a call; it hides streams, colours and files from the core. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
