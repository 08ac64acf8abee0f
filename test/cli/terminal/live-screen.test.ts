import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { LiveScreen, type Terminal } from '../../../src/cli/terminal/live-screen.js';

function terminalOf(columns: number, rows: number) {
  const events = new EventEmitter();
  const written: string[] = [];
  const terminal = Object.assign(events, {
    columns,
    rows,
    write: (text: string) => {
      written.push(text);
      return true;
    },
  });
  const last = () => written.at(-1)!;
  return { terminal, screen: new LiveScreen(terminal as unknown as Terminal), written, last };
}

/** Returns the lines of the screen after a drawing. */
function linesOf(drawing: string): string[] {
  expect(drawing.startsWith('\u001b[H')).toBe(true);
  // Where the screen is full there is nothing below, and one line more would scroll it.
  const lines = drawing.slice(3).replace('\r\n\u001b[J', '').split('\r\n');
  return lines.map((line) => (line.startsWith('\u001b[2K') ? line.slice(4) : line));
}

describe('a live screen', () => {
  it('draws from the first line on, clears what was there before, and moves nothing else', () => {
    const { screen, last } = terminalOf(20, 5);
    screen.show(['one', 'two']);
    expect(linesOf(last())).toEqual(['one', 'two']);
    expect(last()).toContain('\u001b[2Kone\r\n');
    expect(last().endsWith('two\r\n\u001b[J')).toBe(true);
    screen.show(['three']);
    expect(linesOf(last())).toEqual(['three']);
  });

  it('cuts lines to the width, and counts those that there is no room for', () => {
    const { screen, last } = terminalOf(10, 3);
    screen.show(['a line of some length', 'b', 'c', 'd', 'e']);
    expect(linesOf(last())).toEqual(['a line of…', 'b', '… 3 more…']);
    expect(last().endsWith('… 3 more…')).toBe(true);
  });

  it('gives the terminal back where the process exits before it is closed', () => {
    const before = process.listeners('exit');
    const { screen, written } = terminalOf(20, 5);
    const [leave] = process.listeners('exit').filter((listener) => !before.includes(listener));
    leave!(1);
    expect(written.at(-1)).toContain('\u001b[?1049l');
    screen.close();
    expect(process.listeners('exit')).toEqual(before);
  });

  it('leaves the screen to the shell while it is suspended, and draws anew behind that', () => {
    // Screens of other tests are still open.
    for (const signal of ['SIGTSTP', 'SIGCONT']) process.removeAllListeners(signal);
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const { screen, written } = terminalOf(20, 5);
    screen.show(['one']);
    process.emit('SIGTSTP');
    expect(written.at(-1)).toContain('\u001b[?25h\u001b[?1049l');
    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGSTOP');
    process.emit('SIGCONT');
    expect(written.at(-2)).toContain('\u001b[?1049h\u001b[?25l');
    expect(linesOf(written.at(-1)!)).toEqual(['one']);
    screen.close();
    expect(process.listenerCount('SIGTSTP') + process.listenerCount('SIGCONT')).toBe(0);
    kill.mockRestore();
  });

  it('takes a terminal of 0 by 0 for one of 80 by 24', () => {
    const { screen, last } = terminalOf(0, 0);
    screen.show(Array.from({ length: 30 }, () => 'x'.repeat(100)));
    expect(linesOf(last())).toHaveLength(24);
    expect(linesOf(last())[0]).toBe(`${'x'.repeat(79)}…`);
  });

  it('draws again when the terminal is resized', () => {
    const { terminal, screen, last } = terminalOf(10, 3);
    screen.show(['a line of some length', 'b', 'c', 'd']);
    Object.assign(terminal, { columns: 40, rows: 10 });
    terminal.emit('resize');
    expect(linesOf(last())).toEqual(['a line of some length', 'b', 'c', 'd']);
    Object.assign(terminal, { columns: 1, rows: 1 });
    terminal.emit('resize');
    expect(linesOf(last())).toEqual(['…']);
  });

  it('gives the terminal back as it was', () => {
    const { terminal, screen, written, last } = terminalOf(10, 3);
    expect(written).toEqual(['\u001b[?1049h\u001b[?25l\u001b[?7l']);
    screen.show(['a']);
    screen.close();
    expect(last()).toBe('\u001b[?7h\u001b[?25h\u001b[?1049l');
    terminal.emit('resize');
    expect(last()).toBe('\u001b[?7h\u001b[?25h\u001b[?1049l');
  });
});
