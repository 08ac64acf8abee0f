/** The words that people read: the comments and strings of a source, the prose of a page. */

/** A paragraph in one line. */
export interface SourceText {
  kind: 'comment' | 'string' | 'prose';
  /** The line where it begins, from 1. */
  line: number;
  text: string;
}

const string =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`/;
const tokens = new RegExp(
  [
    /(?<comment>\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*|\/\*[\s\S]*?\*\/)/.source,
    // Strings that are added up are one text.
    `(?<string>(?:${string.source})(?:\\s*\\+\\s*(?:${string.source}))*)`,
    // A quote in a regular expression begins no string. Behind a name or a bracket a slash divides.
    /(?<=(?:^|[([{,;=:!&|?+*%~^<>]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//.source,
  ].join('|'),
  'g',
);

/** The comments and strings of a JavaScript or TypeScript source, in order. */
export function textsOfSource(source: string): SourceText[] {
  return Array.from(source.matchAll(tokens)).flatMap(({ index, groups }): SourceText[] => {
    const line = source.slice(0, index).split('\n').length;
    const { comment, string: strings } = groups!;
    if (comment !== undefined) return paragraphs('comment', comment.replace(/\*\/$/, ''), line);
    return strings === undefined ? [] : [{ kind: 'string', line, text: wordsOf(strings) }];
  });
}

/** The paragraphs, list items and table cells of a Markdown page; no headings and no blocks of code. */
export function textsOfPage(page: string): SourceText[] {
  const prose = page
    .replace(/^ *```[\s\S]*?^ *```$/gm, (block) => block.replace(/[^\n]/g, ''))
    .replace(/^#.*$/gm, '')
    .replace(/\]\([^)]*\)/g, '');
  return paragraphs('prose', prose, 1).flatMap((paragraph) =>
    paragraph.text
      .split(/\s*\|\s*/)
      .map((text) => ({ ...paragraph, text }))
      .filter(({ text }) => text !== '' && !isHeading(text)),
  );
}

/** The sentences of a paragraph, each with its end and without brackets and quotes before it. */
export function sentencesIn(text: string): string[] {
  const sentences = text.split(/(?<=[.!?:;][)"'*]*)\s+(?=["'(*`[]*[A-Z])/);
  return sentences.map((sentence) => sentence.replace(/^\W+/, ''));
}

/** A list item, a tag and a table's row each begin a paragraph; an empty line ends one. */
function paragraphs(kind: SourceText['kind'], block: string, firstLine: number): SourceText[] {
  const found: SourceText[] = [];
  let isOpen = false;
  for (const [offset, line] of block.split('\n').entries()) {
    const words = line.replace(/^\s*(?:\/\/|\/?\*+(?=\s|$)|>)?/, '').trim();
    if (isOpen && words !== '' && !/^(?:[-*] |\d+\. |\||@)/.test(words)) found.at(-1)!.text += ` ${words}`;
    else if (words !== '') found.push({ kind, line: firstLine + offset, text: words.replace(/^[-*] /, '') });
    isOpen = words !== '';
  }
  return found;
}

/** Bold words alone are the heading of the paragraphs below them. */
function isHeading(text: string): boolean {
  return /^\*\*[^*.]*\*\*$/.test(text);
}

/** The words of strings that are added up; `…` for values that are put in. */
function wordsOf(strings: string): string {
  const joined = strings.slice(1, -1).replace(/['"`]\s*\+\s*['"`]/g, '');
  return joined.replace(/\$\{[^}]*\}/g, '…').replace(/\\n|\s+/g, ' ');
}
