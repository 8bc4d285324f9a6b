/** A line that is neither indented, nor a comment, nor one that goes on with what stands above. */
const entryStart = /^[^\s#\]}-]/gm;

/**
 * Blanks the top-level entry of a YAML text that an offset lies in, so that the entries after it can be checked too;
 * every other character keeps its place. Undefined where there is nothing to blank.
 */
export function blankTopLevelEntry(text: string, offset: number): string | undefined {
  let start = 0;
  let end = text.length;
  for (const { index } of text.matchAll(entryStart)) {
    if (index > offset) {
      end = index;
      break;
    }
    start = index;
  }
  const entry = text.slice(start, end);
  return entry.trim() === '' ? undefined : text.slice(0, start) + entry.replaceAll(/[^\r\n]/g, ' ') + text.slice(end);
}
