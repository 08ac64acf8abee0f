/** The rule of sentences (CONTRIBUTING.md, "Style"): each begins with its subject, which is a noun. */
import { describe, expect, it } from 'vitest';
import { filesIn, markdownIn, read } from './support/repository-files.js';
import { type SourceText, sentencesIn, textsOfPage, textsOfSource } from './support/source-texts.js';

const sourceName = /\.[jt]s$/;
// The pages in docs/api are made of docstrings.
const pages = [...markdownIn(''), ...filesIn('docs', /\.md$/), ...filesIn('fixtures', /\.md$/)].filter(
  (page) => !page.startsWith('docs/api/'),
);
const sources = ['bin', 'commands', 'src'].flatMap((folder) => filesIn(folder, sourceName));
/** The sources whose comments keep the rule. */
const commented = [...sources, ...filesIn('test', sourceName)];

describe('no sentence begins with a clause that says what or who', () => {
  it.each([
    ['a docstring', '/** What a journal has. */'],
    ['the middle of a comment', 'f(); // It is kept. What is behind it\n  // is not.'],
    ['a docstring of several lines', '/**\n * A base.\n *\n * - Whoever reads it\n *   waits.\n */'],
    ['a string', "f('Who is late waits.');"],
    ['the line of a log', `log.info(\`what \${name} had is lost\`);`],
    ['a string in pieces', "f('It is kept. ' +\n  'Whatever is left goes.');"],
  ])('in %s it is found', (_, source) => {
    expect(headless(textsOfSource(source))).toHaveLength(1);
  });

  it('in a page it is found in paragraphs, lists and tables, not in headings, questions and code', () => {
    const page =
      '# What it is\n\n**What it is not**\n\nWhat is it? A cache.\n\n```\nWhat is code.\n```\n\n' +
      'It waits.\nWhat comes is kept.\n\n- Who comes waits.\n\n| a | b |\n| --- | --- |\n| `x` | What goes. |\n';
    const found = headless(textsOfPage(page));
    expect(found.map(({ line }) => line)).toEqual([11, 14, 18]);
  });

  it('in pages', () => {
    expect(pages.length).toBeGreaterThan(15);
    expect(pages.flatMap((page) => places(page, textsOfPage(read(page))))).toEqual([]);
  });

  it('in strings, which are texts for users', () => {
    expect(sources.flatMap((file) => places(file, textsIn(file, 'string')))).toEqual([]);
  });

  it('in comments', () => {
    expect(commented.length).toBeGreaterThan(100);
    expect(commented.flatMap((file) => places(file, textsIn(file, 'comment')))).toEqual([]);
  });
});

function textsIn(file: string, kind: SourceText['kind']): SourceText[] {
  return textsOfSource(read(file)).filter((text) => text.kind === kind);
}

function places(file: string, texts: SourceText[]): string[] {
  return headless(texts).map(({ line, text }) => `${file}:${line}: ${text}`);
}

/** The sentences that break the rule. The lines of a log begin with a small letter. */
function headless(texts: SourceText[]): SourceText[] {
  return texts.flatMap((text) =>
    sentencesIn(text.text)
      .filter((sentence) => /^(?:what|who)(?:ever)?\s/i.test(sentence) && !/\?\W*$/.test(sentence))
      .map((sentence) => ({ ...text, text: sentence })),
  );
}
