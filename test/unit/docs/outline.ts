/** What a translation of a Markdown page must share with the page, section by section. */
export interface Section {
  readonly level: number;
  readonly heading: string;
  /** Fenced blocks, byte for byte. */
  readonly codeBlocks: readonly string[];
  /** How many rows each table has, its head included, and how many cells each row. */
  readonly tables: readonly (readonly number[])[];
  readonly listItems: number;
  /** What stands between backquotes, sorted, each once. */
  readonly codeWords: readonly string[];
  /** Targets of links without their fragments, sorted, each once. */
  readonly linkTargets: readonly string[];
  /** Numbers in digits, sorted, each once. */
  readonly numbers: readonly string[];
}

const fencedBlock = /^( *)```[\s\S]*?^\1```$/gm;
const codeWord = /`([^`]+)`/g;
const link = /\[[^\]]*\]\(([^)]*)\)/g;

/** A page as its sections: what precedes the first heading, and what follows each. */
export function outlineOf(page: string): Section[] {
  const codeBlocks: string[] = [];
  // What stands in a block is no heading, no table and no link.
  const prose = page.replaceAll(fencedBlock, (block) => `⟦${codeBlocks.push(block) - 1}⟧`);
  return prose.split(/^(?=#{1,6} )/m).map((text) => {
    const [, hashes = '', heading = ''] = /^(#{1,6}) (.*)/.exec(text) ?? [];
    const withoutCode = text.replaceAll(codeWord, '').replaceAll(/⟦\d+⟧/g, '');
    return {
      level: hashes.length,
      heading,
      codeBlocks: [...text.matchAll(/⟦(\d+)⟧/g)].map(([, index]) => codeBlocks[Number(index)] ?? ''),
      tables: tablesIn(text),
      listItems: text.match(/^ *(?:-|\d+\.) /gm)?.length ?? 0,
      codeWords: sorted([...text.matchAll(codeWord)].map(([, word = '']) => word.replaceAll(/\s+/g, ' '))),
      linkTargets: sorted([...text.matchAll(link)].map(([, target = '']) => withoutFragment(target))),
      numbers: sorted(withoutCode.replaceAll(link, '').match(/\d[\d,.]*\d|\d/g) ?? []),
    };
  });
}

function tablesIn(text: string): number[][] {
  const tables = text.match(/(?:^\|.*\|$\n?)+/gm) ?? [];
  return tables.map((table) => table.trimEnd().split('\n').map(cellsIn));
}

/** A bar in a code word is written `\|` in a table. */
function cellsIn(row: string): number {
  return row.replaceAll('\\|', '').split('|').length - 2;
}

function sorted(words: Iterable<string>): string[] {
  return [...new Set(words)].sort();
}

/** A translation links to translations. */
function withoutFragment(target: string): string {
  return target.replace(/#.*/, '').replace('.zh-CN.md', '.md');
}

/** The fragments that a page's headings can be linked by, as GitHub makes them. */
export function anchorsOf(page: string): Set<string> {
  return new Set(
    outlineOf(page).map(({ heading }) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
