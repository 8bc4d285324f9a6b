import { parseCidr } from '../../net/cidr.ts';

/** An option of a rule with its values, such as `! --dst-type LOCAL`. */
interface RuleOption {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

/** A rule as `iptables -S` lists it, and what can be read from it. */
export interface ListedRule {
  readonly text: string;
  /** The text as a shell would split it, from `-A` on. */
  readonly words: readonly string[];
  /** The chain that the rule stands in. */
  readonly chain: string;
  /** What `-j` or `-g` names: a chain or a built-in target. */
  readonly target: string | undefined;
  readonly comment: string | undefined;
  readonly options: readonly RuleOption[];
}

/** The rules in a listing by `iptables -S CHAIN`, without the lines about the chain itself. No tool prints a NUL. */
export function rulesIn(listing: string): readonly string[] {
  return listing.split('\n').filter((line) => line.startsWith('-A ') && !line.includes('\0'));
}

/** Reads a line that begins with `-A CHAIN`. */
export function parseRule(text: string): ListedRule {
  const words = splitWords(text);
  const [, chain = '', ...rest] = words;
  const options = groupOptions(rest);
  const argumentOf = (...names: readonly string[]): string | undefined =>
    options.find(({ name }) => names.includes(name))?.values[0];
  return { text, words, chain, target: argumentOf('-j', '-g'), comment: argumentOf('--comment'), options };
}

/**
 * Text that two rules share exactly when they match and do the same. Versions of iptables list the options of a rule
 * in different orders, and print IPv6 networks and chances in other ways than we do.
 */
export function canonicalRule({ chain, options }: ListedRule): string {
  const sorted = options.map((option) => JSON.stringify([option.name, option.negated, canonicalValues(option)])).sort();
  return JSON.stringify([chain, ...sorted]);
}

function canonicalValues({ name, values }: RuleOption): readonly (string | number)[] {
  // libc prints ::1.2.3.4 where RFC 5952 says ::102:304.
  if (name === '-s' || name === '-d') return values.map((value) => parseCidr(value)?.text ?? value);
  // The kernel counts chances in steps of 2^-31; the 11 digits that iptables prints may be rounded either way.
  if (name === '--probability') return values.map((value) => Math.round(Number(value) * 2 ** 31));
  return values;
}

/** Splits as iptables-restore does: at blanks, except within double quotes, where a backslash escapes. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'),
  );
}

function groupOptions(words: readonly string[]): RuleOption[] {
  const options: { name: string; negated: boolean; values: string[] }[] = [];
  let negated = false;
  for (const word of words) {
    const last = options.at(-1);
    // The value of a comment may look like anything.
    const isValue = last?.name === '--comment' && last.values.length === 0;
    if (isValue || (last && !word.startsWith('-') && word !== '!')) last.values.push(word);
    else if (word === '!') negated = true;
    else {
      options.push({ name: word, negated, values: [] });
      negated = false;
    }
  }
  return options;
}
