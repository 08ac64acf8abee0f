import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output, OutputClosed } from '../../../src/cli/terminal/output.js';

/** A pipe whose reader takes a chunk only when the test says so. */
class SlowPipe extends Writable {
  readonly taken: string[] = [];
  #waiting: (() => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#waiting.push(done);
  }

  takeAll(): void {
    const takeNext = () => {
      const done = this.#waiting.shift();
      if (done === undefined) return;
      done();
      setImmediate(takeNext);
    };
    takeNext();
  }
}

function failing(code: string): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error(`${code}: it does not work`), { code }));
    },
  });
}

async function writeUntilRefused(output: Output): Promise<unknown> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      await output.write('x'.repeat(100_000));
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

describe('output', () => {
  it('waits for its reader', async () => {
    const pipe = new SlowPipe();
    const output = new Output(pipe);
    let written = false;
    const writing = output.write('x'.repeat(100_000)).then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    pipe.takeAll();
    await writing;
    expect(written).toBe(true);
  });

  it('has lent bytes until its reader has taken them, however few', async () => {
    const pipe = new SlowPipe();
    const output = new Output(pipe);
    let isBack = false;
    const lending = output.lend(Buffer.from('few')).then(() => {
      isBack = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isBack).toBe(false);
    pipe.takeAll();
    await lending;
    expect(pipe.taken).toEqual(['few']);
  });

  it('tells who lends that its reader has left, and why it cannot write', async () => {
    await expect(new Output(failing('EPIPE')).lend(Buffer.from('x'))).rejects.toThrow(OutputClosed);
    const full = new Output(failing('ENOSPC'));
    await expect(full.lend(Buffer.from('x'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await expect(full.lend(Buffer.from('x'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });

  it('drops events that nobody takes, and tells how many in the next one', async () => {
    const pipe = new SlowPipe();
    const output = new Output(pipe);
    for (let sequence = 0; sequence < 10_000; sequence++)
      output.event({ event: 'e', sequence, pad: 'x'.repeat(1000) });
    expect(pipe.writableLength).toBeLessThan(2_000_000);
    pipe.takeAll();
    await output.flush();
    const delivered = pipe.taken.filter(Boolean).length;
    output.event({ event: 'last' });
    expect(JSON.parse(pipe.taken.at(-1)!)).toEqual({ event: 'last', droppedEvents: 10_000 - delivered });
  });

  it('ends when its reader has left, and says why it cannot write', async () => {
    expect(await writeUntilRefused(new Output(failing('EPIPE')))).toBeInstanceOf(OutputClosed);
    expect(await writeUntilRefused(new Output(failing('ENOSPC')))).toMatchObject({
      code: 'WRITE_FAILED',
      file: 'stdout',
    });
  });

  it('takes events without a word when nobody reads', async () => {
    const output = new Output(failing('EPIPE'));
    await writeUntilRefused(output);
    expect(() => output.event({ event: 'e' })).not.toThrow();
  });
});
