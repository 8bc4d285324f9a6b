/** The candidate closest to a mistyped name, letter case aside; undefined where none is close enough to be meant. */
export function nearestName<Name extends string>(name: string, candidates: readonly Name[]): Name | undefined {
  const typed = name.toLowerCase();
  let nearest: { readonly name: Name; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const farthest = Math.max(1, Math.floor(Math.min(typed.length, candidate.length) / 3));
    if (Math.abs(typed.length - candidate.length) > farthest) continue;
    const distance = editDistance(typed, candidate.toLowerCase());
    if (distance <= farthest && distance < (nearest?.distance ?? Number.POSITIVE_INFINITY))
      nearest = { name: candidate, distance };
  }
  return nearest?.name;
}

/** Levenshtein distance with neighbouring letters swapped counted once. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Longer than any rule or name of ours. */
const longestExcerpt = 400;

/** Text that a tool printed, for a message: a tool that goes wrong may print a line of megabytes. */
export function excerpt(text: string): string {
  return text.length > longestExcerpt ? `${text.slice(0, longestExcerpt)}…` : text;
}

/**
 * What a terminal would obey, what turns the reading direction, what ends a line, and what can't be seen: control and
 * format characters (Unicode's Cc and Cf), line and paragraph separators, and halves of surrogate pairs.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Text from outside (a file, its name, a tool, another process) as one line that is safe to show: `\u001b` for ESC. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => shortEscapes.get(character) ?? codePointEscape(character));
}

function codePointEscape(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** What an error says. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
