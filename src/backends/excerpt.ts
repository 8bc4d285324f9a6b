/** Longer than any rule or name of ours. */
const longest = 400;

/** What a tool listed, for a message: a tool that goes wrong may list a line of megabytes. */
export function excerpt(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
