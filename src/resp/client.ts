/**
 * One client's connection: its bytes go to the kernel or to the gate, and the replies go back to it in the
 * order of its commands. Commands and replies that must wait are kept here.
 */
import type { Clock } from '../clock.js';
import { MODE_HAND_OUT, MODE_NO_TOUCH, MODE_RESP3, MODE_UNAUTHENTICATED } from '../kernel/layout.js';
import type { ClientSocket } from '../transport/client-socket.js';
import { type ClientState, isConfined } from './client-state.js';
import type { ClientMemory } from './command-host.js';
import { CommandInput, type InputLimits } from './command-input.js';
import type { CommandSink, CommandWindow, Onward } from './command-window.js';
import { DISMISSED, type Gate, POSTPONED } from './gate.js';
import { type Answer, Later } from './later.js';
import type { LongBuffers } from './long-buffers.js';
import type { PushOutput } from './push-output.js';
import { encodeReply, Failure } from './reply.js';
import type { Joiner, Replying, ReplyTurn } from './reply-turn.js';
import type { OutputLimit } from './setting-formats.js';
import type { Tracking } from './tracking/tracking.js';
import { trackingMode } from './tracking/tracking-mode.js';

/** Bytes of replies that gather for a client before its commands have to wait until it has read. */
const REPLY_BYTES_MAX = 1024 * 1024;
/** Bytes of replies that gather for a client before they leave, with those of all others, within the turn. */
const TURN_REPLY_BYTES_MAX = 64 * 1024;
/** Bytes of replies that a client may leave unread before it has sent the password (CVE-2025-21605). */
const UNAUTHENTICATED_REPLY_BYTES_MAX = 16 * 1024;
/** Bytes that a client may send ahead while it waits for an answer; beyond them its socket is not read. */
const BLOCKED_INPUT_BYTES_MAX = 1024 * 1024;
/** Milliseconds that clients have for taking their last replies when the server closes. */
const CLOSE_PATIENCE_MS = 1_000;

/** The answer to a command whose wait another client has ended. */
const UNBLOCKED = new Failure('UNBLOCKED client unblocked via CLIENT UNBLOCK');

/** The parts of the server that a client uses. */
export interface ClientHost {
  readonly gate: Gate;
  readonly limits: InputLimits;
  /** The buffers for long commands of all clients. */
  readonly longBuffers: LongBuffers;
  readonly turn: ReplyTurn;
  readonly tracking: Tracking;
  /** The command window of the present store; a replica's store changes with each snapshot. */
  window(): CommandWindow;
  readonly clock: Clock;
  /** How many bytes may wait to be written to the client. */
  outputLimit(client: ClientState): OutputLimit;
  /** Logs a fault of a client; `kind` is the same for all faults of the kind. */
  warn(kind: string, message: string): void;
}

/** How the kernel takes a client's commands that it runs, MODE_* of layout.ts. */
export function kernelMode({ protocol, isNeverTouching, tracking }: ClientState): number {
  const mode = (protocol === 3 ? MODE_RESP3 : 0) | (isNeverTouching ? MODE_NO_TOUCH : 0);
  return tracking === undefined ? mode : mode | trackingMode(tracking, protocol);
}

/** One client's connection. */
export class Client implements CommandSink, Replying, PushOutput {
  readonly state: ClientState;
  readonly gone: Promise<void>;
  readonly #socket: ClientSocket;
  readonly #host: ClientHost;
  readonly #input: CommandInput;
  #replies: Buffer[] = [];
  /** Bytes of replies that wait until what they answer is on the disk. */
  #heldBytes = 0;
  #replyBytes = 0;
  /** A command of this client is being handled, so its reply is still to come. */
  #isHandling = false;
  /** When more than the soft limit began to wait to be written; undefined while less does. */
  #overSoftSinceMs: number | undefined;
  /** Gives up the wait for a command's answer; undefined while none is awaited. */
  #cancelWait: (() => void) | undefined;
  /** Ends that wait with an answer; undefined where nobody may. */
  #endWait: ((reason: 'timeout' | 'error') => void) | undefined;
  /** The command that a pause postpones; undefined when there is none. */
  #postponed: Buffer[] | undefined;

  /** `connect` is given the function to call with each chunk, and returns the socket. */
  constructor(
    state: ClientState,
    host: ClientHost,
    connect: (onData: (chunk: Buffer) => void) => ClientSocket,
  ) {
    this.state = state;
    state.output = this;
    this.#host = host;
    this.#input = new CommandInput(this, host.limits, host.longBuffers);
    this.#socket = connect((chunk) => {
      if (state.leaves) return;
      state.readBytes += chunk.length;
      state.heardAtMs = host.clock.nowMs();
      this.#input.feed(chunk, host.window());
      this.#flush();
    });
    this.#socket.on('drain', () => this.#goOn());
    // The error of a broken connection is the client's affair; it is not logged.
    this.#socket.on('error', () => this.#socket.destroy());
    this.gone = new Promise((resolve) => {
      this.#socket.once('close', () => {
        state.leaves = true;
        host.tracking.disable(state);
        this.#cancelWait?.();
        this.#input.close();
        resolve();
      });
    });
  }

  get pendingBytes(): number {
    return this.#replyBytes + this.#heldBytes + this.#socket.writableLength;
  }

  memory(): ClientMemory {
    const { argumentBytes, pendingBytes } = this.#input;
    return {
      inputBytes: pendingBytes - argumentBytes,
      argumentBytes,
      replyBytes: this.#replyBytes + this.#heldBytes,
      outputBytes: this.pendingBytes,
    };
  }

  get mode(): number {
    const { state } = this;
    const mode = kernelMode(state);
    if (!state.isAuthenticated) return mode | MODE_UNAUTHENTICATED | MODE_HAND_OUT;
    const { transaction, replies, isMonitor, tracking } = state;
    // CLIENT CACHING holds for one command, and the kernel would run all that follow.
    const isAlone = replies === 'skip' || isMonitor || isConfined(state) || tracking?.isCachingGiven === true;
    const isHeld = transaction !== undefined || isAlone || this.#host.gate.holdsAll;
    return isHeld ? mode | MODE_HAND_OUT : mode;
  }

  reply(bytes: Buffer): boolean {
    if (this.state.replies !== 'on') return true;
    this.#gather(bytes);
    if (!this.state.isAuthenticated && this.pendingBytes > UNAUTHENTICATED_REPLY_BYTES_MAX) {
      const fault = 'does not read what it is told before its password; closed';
      this.#host.warn(fault, `${this.state.address} ${fault}`);
      this.destroy();
    }
    return this.pendingBytes < REPLY_BYTES_MAX;
  }

  ran(name: string): void {
    this.state.lastCommand = name;
  }

  command(args: Buffer[]): Onward {
    this.#isHandling = true;
    const onward = this.#handle(args);
    // Invalidations of keys that a suspended script has changed follow its reply.
    if (!this.state.isBlocked) this.#host.tracking.send();
    this.#isHandling = false;
    const { afterReply } = this.state;
    if (afterReply.length === 0) return onward;
    for (const bytes of afterReply.splice(0)) this.#gather(bytes);
    return onward === 'next' && this.pendingBytes >= REPLY_BYTES_MAX ? 'wait' : onward;
  }

  changedOwn(): void {
    this.#host.tracking.send();
  }

  fail(bytes: Buffer): void {
    this.reply(bytes);
    this.state.leaves = true;
  }

  push(bytes: Buffer): void {
    const { leaves, afterReply } = this.state;
    if (leaves) return;
    if (this.#isHandling) {
      afterReply.push(bytes);
      return;
    }
    this.#gather(bytes);
    if (this.#replyBytes >= TURN_REPLY_BYTES_MAX) this.#plan();
    // Replies that had gathered before are planned already, or will be behind the run that they come from.
    else if (this.#replies.length === 1) this.#host.turn.addMessages(this);
  }

  /** Sends all that has gathered in one write. */
  sendReplies(joiner: Joiner): void {
    if (this.#replies.length > 0) this.#write(this.#takeReplies(joiner));
  }

  holdReplies(joiner: Joiner): () => void {
    const bytes = this.#takeReplies(joiner);
    this.#heldBytes += bytes.length;
    return () => {
      this.#heldBytes -= bytes.length;
      this.#write(bytes);
      if (this.state.leaves && this.#heldBytes === 0) this.#endSocket();
      else if (this.#input.waits) this.#goOn();
    };
  }

  #takeReplies(joiner: Joiner): Buffer {
    const bytes = joiner.join(this.#replies, this.#replyBytes);
    this.#replies = [];
    this.#replyBytes = 0;
    return bytes;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(bytes);
    this.state.writtenBytes += bytes.length;
    this.checkOutput();
  }

  /** Returns whether `bytes` more may wait to be written; otherwise the client is closed. */
  takes(bytes: number): boolean {
    this.checkOutput(bytes);
    return !this.#socket.destroyed;
  }

  /**
   * Closes the client when more bytes than the limit wait to be written, `more` included that are to come, or
   * wait for longer than it allows; it is also called while nothing is written.
   */
  checkOutput(more = 0): void {
    const bytes = this.#socket.writableLength + more;
    if (this.#socket.destroyed || bytes === 0) {
      this.#overSoftSinceMs = undefined;
      return;
    }
    const { clock, outputLimit, warn } = this.#host;
    const { hardBytes, softBytes, softSeconds } = outputLimit(this.state);
    if (softBytes === 0n || bytes <= softBytes) this.#overSoftSinceMs = undefined;
    else this.#overSoftSinceMs ??= clock.nowMs();
    const overSoftMs = clock.nowMs() - (this.#overSoftSinceMs ?? clock.nowMs());
    const isOver = (hardBytes !== 0n && bytes > hardBytes) || overSoftMs > softSeconds * 1000;
    if (!isOver) return;
    warn(
      'closed at its client-output-buffer-limit',
      `${this.state.address} is closed: ${bytes} bytes wait for it (client-output-buffer-limit: ${hardBytes}, or ${softBytes} for ${softSeconds} s)`,
    );
    this.destroy();
  }

  /** Ends the wait of a command that has a time limit; returns whether there is one (CLIENT UNBLOCK). */
  unblock(reason: 'timeout' | 'error'): boolean {
    const end = this.#endWait;
    end?.(reason);
    return end !== undefined;
  }

  /** Handles the command that a pause postponed; called when the pause is over. */
  retry(): void {
    const args = this.#postponed;
    if (args === undefined) return;
    this.#postponed = undefined;
    this.state.isBlocked = false;
    if (this.state.leaves || this.#socket.destroyed) return;
    const { engine } = this.#host.window();
    engine.updateTime();
    if (this.state.tracking !== undefined) engine.kernel.exports.setMode(this.mode);
    if (this.command(args) === 'next') this.#goOn();
    else this.#flush();
  }

  /**
   * Sends the replies that were written, then closes; a client that neither reads nor closes is not waited
   * for.
   */
  end(): void {
    this.state.leaves = true;
    this.#host.tracking.disable(this.state);
    this.#cancelWait?.();
    if (this.#socket.writableEnded) return;
    if (this.#replyBytes > 0) {
      this.#host.turn.add(this);
      this.#host.turn.end();
    }
    // Replies that wait for the disk are sent first.
    if (this.#heldBytes === 0) this.#endSocket();
  }

  #endSocket(): void {
    if (this.#socket.writableEnded) return;
    const deadline = setTimeout(() => this.#socket.destroy(), CLOSE_PATIENCE_MS);
    this.#socket.once('close', () => clearTimeout(deadline));
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.state.leaves = true;
    this.#socket.destroy();
  }

  #handle(args: Buffer[]): Onward {
    const { state } = this;
    const before = state.replies;
    const answer = this.#host.gate.handle(args, state);
    if (state.beforeReply.length > 0) for (const bytes of state.beforeReply.splice(0)) this.#gather(bytes);
    if (answer === DISMISSED) {
      state.leaves = true;
      return 'drop';
    }
    if (answer === POSTPONED) {
      this.#postponed = args;
      state.isBlocked = true;
      return 'wait';
    }
    this.#endCaching();
    if (answer instanceof Later) return this.#await(answer);
    const goesOn = this.reply(encodeReply(answer, state.protocol));
    if (state.replies === 'skip-next') state.replies = 'skip';
    else if (before === 'skip' && state.replies === 'skip') state.replies = 'on';
    if (state.leaves) return 'drop';
    return goesOn ? 'next' : 'wait';
  }

  /** CLIENT CACHING holds for the next command that is not one of CLIENT's, or for the next transaction. */
  #endCaching(): void {
    const { tracking, transaction, lastCommand } = this.state;
    if (tracking?.isCachingGiven !== true || transaction !== undefined) return;
    if (!lastCommand.startsWith('client|')) tracking.isCachingGiven = false;
  }

  #gather(bytes: Buffer): void {
    this.#replies.push(bytes);
    this.#replyBytes += bytes.length;
  }

  #await(answer: Later): Onward {
    const { state } = this;
    let isDone = false;
    let isLate = false;
    state.isBlocked = true;
    const finish: Answer = (reply, isLast = false) => {
      if (isDone) return;
      isDone = true;
      this.#cancelWait = undefined;
      this.#endWait = undefined;
      state.isBlocked = false;
      if (state.leaves) return;
      this.reply(encodeReply(reply, state.protocol));
      state.leaves = isLast;
      if (!isLate) return;
      if (isLast) this.#flush();
      else this.#goOn();
    };
    const cancel = answer.start(finish);
    if (isDone) return state.leaves ? 'drop' : 'next';
    this.#cancelWait = cancel;
    const { replyInTime } = answer;
    if (replyInTime !== undefined) {
      this.#endWait = (reason) => {
        cancel();
        finish(reason === 'error' ? UNBLOCKED : replyInTime());
      };
    }
    isLate = true;
    return 'wait';
  }

  /** Has what has gathered sent at the end of the turn, or now when it is much. */
  #plan(): void {
    this.#host.turn.add(this);
    if (this.#replyBytes < TURN_REPLY_BYTES_MAX) return;
    this.#host.turn.end();
    // A script that is suspended holds the turn, and messages may come meanwhile.
    if (this.#replyBytes > 0) this.checkOutput(this.#replyBytes);
  }

  /** Has the replies sent, and decides how the client is read on. */
  #flush(): void {
    const socket = this.#socket;
    this.#host.tracking.send();
    // Changes from now on are made by others, not by this client.
    if (this.state.tracking !== undefined) this.#host.window().engine.kernel.exports.setMode(0);
    if (this.#replyBytes > 0) this.#plan();
    if (this.state.leaves) {
      this.end();
    } else if (this.state.isBlocked) {
      // Commands continue when the answer is there. The socket is still read, since that shows when the
      // client disconnects, but only up to a limit.
      if (this.#input.pendingBytes > BLOCKED_INPUT_BYTES_MAX) socket.pause();
    } else if (this.#input.waits || socket.writableLength >= REPLY_BYTES_MAX) {
      socket.pause();
      // All bytes were taken at once, so there will be no drain event.
      if (!socket.writableNeedDrain && this.#heldBytes === 0) setImmediate(() => this.#goOn());
    }
  }

  #goOn(): void {
    if (this.state.leaves || this.state.isBlocked || this.#socket.destroyed) return;
    this.#socket.resume();
    if (this.#input.waits) this.#input.resume(this.#host.window());
    this.#flush();
  }
}
