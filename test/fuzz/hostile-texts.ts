/** Texts that are made to cost much, by the piece that they repeat; each is read in a process of its own. */
export const hostileTexts: Readonly<Record<string, (size: number) => string>> = {
  brackets: repeated('a: ', '['),
  'JSON brackets': repeated('{"a": ', '['),
  braces: repeated('a: ', '{'),
  'root braces': repeated('# YAML\n', '{'),
  'brackets that close': (size) => `a: ${'['.repeat(size / 2)}${']'.repeat(size / 2)}`,
  'empty lists': repeated('a: [', '[],'),
  'empty mappings': repeated('a: [', '{},'),
  'dashes on a line': repeated('', '- '),
  'dashes on lines': repeated('', '-\n'),
  'question marks': repeated('', '? '),
  'question marks on lines': repeated('', '? \n'),
  colons: repeated('', ': '),
  'colons on lines': repeated('', ':\n'),
  'ever deeper blocks': (size) =>
    Array.from({ length: Math.sqrt(2 * size) }, (_, depth) => `${' '.repeat(depth)}k:\n`).join(''),
  anchors: repeated('', '&a '),
  'anchored entries': repeated('', '- &a x\n'),
  tags: repeated('', '! '),
  'tagged entries': repeated('', '- !!str x\n'),
  aliases: repeated('x: &a 1\ny: [', '*a,'),
  'unknown aliases': repeated('y: [', '*b,'),
  'aliases in lines': repeated('x: &a 1\nmasqLinkLocal:\n', '- *a\n'),
  merges: repeated('x: &a {b: 1}\n', '<<: *a\n'),
  'merges of a long mapping': (size) =>
    `x: &a {${pieces(size / 2, (index) => `k${index}: 1, `)}}\n${pieces(size / 2, () => '<<: *a\n')}`,
  'merges of lists': repeated('x: &a {b: 1}\n<<: [', '*a,'),
  'pairs in braces': repeated('a: {', 'a: b, '),
  'question pairs': repeated('a: {', '? a : b, '),
  'unknown keys': (size) => pieces(size, (index) => `key${index}: 1\n`),
  'nearly known keys': (size) => pieces(size, (index) => `nonMasqueradeCIDR${index}: 1\n`),
  'the same key': repeated('', 'masqLinkLocal: true\n'),
  'the same key in two spellings': repeated('', 'masqLinkLocal: 1\nMasqLinkLocal: 1\n'),
  'the same JSON key': (size) => `{${'"masqLinkLocal":1,'.repeat(size / 18)}"a":1}`,
  'JSON members': (size) => `{"a":[${'{"a":1},'.repeat(size / 8)}1]}`,
  'JSON without an end': repeated('{"a":[', '1,'),
  'JSON of one text without an end': repeated('{"a":"', 'x'),
  'JSON escapes': (size) => `{"a":"${'\\u0041'.repeat(size / 6)}"}`,
  commas: repeated('a: [', ','),
  'second colons': repeated('', 'a: b: c\n'),
  'tabs as indentation': repeated('a:\n', '\t- x\n'),
  'unquoted at signs': repeated('', '- @\n'),
  'unknown escapes': repeated('', '- "\\q"\n'),
  'text behind quotes': repeated('', "- 'a' b\n"),
  'wrong CIDRs': repeated('cidrLimit: 1000000\nnonMasqueradeCIDRs:\n', '- 10.0.0.1/8\n'),
  'ranges of addresses': repeated('nonMasqueradeCIDRs:\n', '- 0.0.0.1-255.255.255.254\n'),
  'CIDRs in one text': repeated('nonMasqueradeCIDRs: ', '10.0.0.0/8,'),
  'one plain scalar': repeated('a: ', 'x'),
  'one quoted scalar': (size) => `a: "${'x'.repeat(size)}"\n`,
  'one scalar of lines': repeated('a: "', 'x\n '),
  'one plain scalar of lines': repeated('a:\n', ' x\n'),
  'one plain scalar of empty lines': repeated('a: x', '\n\n  x'),
  'one literal block': repeated('a: |\n', '  x\n'),
  'one folded block': repeated('a: >\n', '  x\n\n'),
  'one literal block of empty lines': repeated('a: |\n', '\n'),
  'one long number': repeated('cidrLimit: ', '9'),
  'one long key': (size) => `${'k'.repeat(size)}: 1\n`,
  documents: repeated('', '---\n'),
  'documents with values': repeated('', 'a: 1\n---\n'),
  'document ends': repeated('', '...\n'),
  directives: repeated('', '%YAML 1.1\n'),
  'tag directives': repeated('', '%TAG !a! tag:a,2000:\n'),
  comments: repeated('', '# x\n'),
  'comments behind values': repeated('', '- x # x\n'),
  'empty lines': repeated('', '\n'),
  'lines of spaces': repeated('', `${' '.repeat(100)}\n`),
  spaces: repeated('a: x', ' '),
  tabs: repeated('a: x', '\t'),
  'carriage returns': repeated('a: 1', '\r\n'),
  'texts of a manifest': (size) => `kind: ConfigMap\ndata:\n${pieces(size, (index) => ` k${index}: x\n`)}`,
  'mappings of a manifest': (size) => `kind: ConfigMap\ndata:\n${pieces(size, (index) => ` k${index}: "a: 1"\n`)}`,
  'a manifest with one long text': (size) => `kind: ConfigMap\ndata:\n  config: |\n${'    - x\n'.repeat(size / 8)}`,
  'a manifest with brackets': (size) => `kind: ConfigMap\ndata:\n  config: "a: ${'['.repeat(size)}"\n`,
  'keys one level too deep': (size) => `config:\n${pieces(size, () => '  masqLinkLocal: true\n')}`,
  'a text of blank lines': (size) => `a: |\n  x\n${'\n'.repeat(size - 20)}  y\n`,
  'spaces within a value': (size) => `nonMasqueradeCIDRs: "x${' '.repeat(size - 30)}x"\n`,
  'spaces within entries': (size) => `nonMasqueradeCIDRs:\n${`- "x${' '.repeat(9_900)}x"\n`.repeat(size / 9_910)}`,
  'digits within entries': (size) => `nonMasqueradeCIDRs:\n${`- "${'1'.repeat(9_900)}x-1"\n`.repeat(size / 9_910)}`,
  'a manifest with blank lines': (size) =>
    `kind: ConfigMap\ndata:\n  a: |\n${'\n'.repeat(size - 60)}    masqLinkLocal: 1\n`,
  'a long path to keys': (size) =>
    `? ${'k'.repeat(size / 2)}\n: |\n${pieces(size / 2 - 10, (index) => `  ${spelling('masqLinkLocal', index)}: true\n`)}`,
  'a long entry in braces': (size) => `nonMasqueradeCIDRs: {${'10.0.0.0/8,'.repeat(size / 11 - 2)}}\n`,
  'no mapping': repeated('', 'x '),
  zeros: repeated('', '\0'),
  'bytes that are not UTF-8': repeated('', 'x\ud800'),
  'no-break spaces': repeated('', '\u00a0'),
  'quotes without an end': repeated('', '- "\n'),
  templates: repeated('a: ', '{{ x }} '),
  'exclamation marks': repeated('a: ', '!'),
  ampersands: repeated('a: ', '&'),
  percents: repeated('', '%'),
};

function repeated(start: string, piece: string): (size: number) => string {
  return (size) => start + piece.repeat(Math.max(1, (size - start.length) / piece.length));
}

function pieces(size: number, piece: (index: number) => string): string {
  const parts: string[] = [];
  for (let length = 0; length < size; ) {
    const part = piece(parts.length);
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
}

/** One of the many ways to write a key in upper and lower case. */
function spelling(key: string, index: number): string {
  return key.replaceAll(/./g, (letter, place: number) =>
    (index >> place) & 1 ? letter.toUpperCase() : letter.toLowerCase(),
  );
}
