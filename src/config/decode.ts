import { isUtf8 } from 'node:buffer';

/** A file's text, which grammar Go would read it with, and what forbids reading it. */
export interface ConfigText {
  readonly syntax: Syntax;
  readonly text: string;
  readonly fault?: TextFault;
}

export type Syntax = 'json' | 'yaml';

/** What is wrong or odd at an offset of a text (in UTF-16 code units), and what would be valid there. */
export interface TextFault {
  readonly offset: number;
  readonly message: string;
  readonly expected?: string;
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** Go's unicode.IsSpace, then a brace. */
const startsWithBrace = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*\{/;

/**
 * What go-yaml's reader does not let through, and the line breaks of YAML 1.1 that only it takes for such (a lone CR,
 * NEL, LS, PS): where one parser sees a new line and another none, a comment here may be a setting there.
 */
const forbiddenInYaml = /\r(?!\n)|[^\t\n\r -~\u00a0-\u2027\u202a-\ufffd]/;
const oddLineBreak = /[\r\u0085\u2028\u2029]/;

/**
 * Decodes a file. Strict JSON where the first byte that is not white space is `{` (k8s.io/apimachinery's
 * yaml.IsJSONBuffer), else YAML. JSON is UTF-8, whose errors become U+FFFD; YAML must be right, and may be UTF-16 where
 * a byte order mark says so.
 */
export function decodeConfig(bytes: Uint8Array): ConfigText {
  const encoding = encodingOf(bytes);
  const decoded = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  if (startsWithBrace.test(decoded)) return { syntax: 'json', text: decoded };
  // libyaml lets a second byte order mark pass.
  const text = decoded.replace(/^\ufeff{1,2}/, '');
  const fault = isValid(bytes, encoding) ? forbiddenCharacter(text) : invalidBytes(text, encoding);
  return fault === undefined ? { syntax: 'yaml', text } : { syntax: 'yaml', text, fault };
}

function encodingOf([first, second]: Uint8Array): Encoding {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

function isValid(bytes: Uint8Array, encoding: Encoding): boolean {
  if (encoding === 'utf-8') return isUtf8(bytes);
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function invalidBytes(text: string, encoding: Encoding): TextFault {
  const name = encoding === 'utf-8' ? 'UTF-8' : 'UTF-16, though the file begins as such';
  return { offset: Math.max(text.indexOf('\ufffd'), 0), message: `bytes that are not ${name}`, expected: 'UTF-8' };
}

function forbiddenCharacter(text: string): TextFault | undefined {
  const found = forbiddenInYaml.exec(text);
  if (found === null) return undefined;
  const [character] = found;
  const name = `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  if (oddLineBreak.test(character)) {
    const message = `the character ${name} ends a line for some readers of YAML, and not for others`;
    return { offset: found.index, message, expected: 'lines that end with LF or CR LF' };
  }
  const expected = character === '\0' ? 'UTF-8, or UTF-16 with a byte order mark' : 'printable characters';
  return { offset: found.index, message: `the character ${name} is not allowed in YAML`, expected };
}
