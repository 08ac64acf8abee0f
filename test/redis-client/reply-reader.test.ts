import { expect, it } from 'vitest';
import { ReplyReader } from '../../src/redis-client/reply-reader.js';

function repliesTo(text: string, pieceBytes = text.length): (string | undefined)[] {
  const replies: (string | undefined)[] = [];
  const reader = new ReplyReader((error) => replies.push(error));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return replies;
}

it('errors are told from all else, in whatever pieces they come', () => {
  const text = '+OK\r\n:12\r\n-ERR no\r\n$-1\r\n$5\r\na\r\nb-\r\n-OOM full\r\n';
  for (let piece = 1; piece <= text.length; piece++) {
    expect(repliesTo(text, piece)).toEqual([
      undefined,
      undefined,
      'ERR no',
      undefined,
      undefined,
      'OOM full',
    ]);
  }
});

it.each([['HTTP/1.1 400'], ['*1\r\n'], ['$99999999999\r\n'], ['$x\r\n'], [`-${'x'.repeat(70_000)}`]])(
  'what is no reply of its kind is refused: %j',
  (text) => {
    expect(() => repliesTo(text.slice(0, 70_001))).toThrow(
      expect.objectContaining({ code: 'REPLY_MALFORMED' }),
    );
  },
);

it('lists of texts are read where they are expected, in whatever pieces they come', () => {
  const text = '*2\r\n$3\r\na\r\n\r\n:7\r\n*-1\r\n+OK\r\n*0\r\n-ERR no\r\n*2\r\n$-1\r\n$0\r\n\r\n';
  for (let piece = 1; piece <= text.length; piece++) {
    const replies: unknown[] = [];
    const reader = new ReplyReader((error, list) => replies.push(error ?? list ?? null), {
      takesLists: true,
    });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
    expect(replies).toEqual([['a\r\n', '7'], null, null, [], 'ERR no', ['', '']]);
  }
});
