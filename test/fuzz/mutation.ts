import * as fc from 'fast-check';

/** Texts are kept as latin1 while they are mutated: a character is a byte, so that encodings break too. */
export type Bytes = string;

/** One change of a text. Places and lines are taken modulo what there is, so that every mutation fits every text. */
type Mutation = (bytes: Bytes, donors: readonly Bytes[]) => Bytes;

/** No mutation makes a text grow beyond this. */
const maximumLength = 64 * 1024;
const maximumDepth = 1_200;

const place = fc.nat({ max: 2 ** 24 });
const length = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 8 }) }, { weight: 1, arbitrary: fc.nat({ max: 4_096 }) });
const byte = fc.nat({ max: 255 });

const changeByte = fc.tuple(place, byte).map(
  ([at, value]): Mutation =>
    (bytes) => {
      const index = at % (bytes.length + 1);
      return bytes.slice(0, index) + String.fromCharCode(value) + bytes.slice(index + 1);
    },
);

const cut = fc.tuple(place, length).map(
  ([at, size]): Mutation =>
    (bytes) => {
      const index = at % (bytes.length + 1);
      return bytes.slice(0, index) + bytes.slice(index + size);
    },
);

const truncate = place.map(
  (at): Mutation =>
    (bytes) =>
      bytes.slice(0, at % (bytes.length + 1)),
);

const repeat = fc.tuple(place, length, fc.integer({ min: 2, max: 40 })).map(
  ([at, size, times]): Mutation =>
    (bytes) => {
      const index = at % (bytes.length + 1);
      return bytes.slice(0, index) + bytes.slice(index, index + size).repeat(times) + bytes.slice(index + size);
    },
);

/** The beginning of this text and the end of another one. */
const splice = fc.tuple(place, place, place).map(
  ([at, which, from]): Mutation =>
    (bytes, donors) => {
      const donor = donors[which % donors.length] ?? '';
      return bytes.slice(0, at % (bytes.length + 1)) + donor.slice(from % (donor.length + 1));
    },
);

/** A line of this text goes, comes twice, or is put elsewhere; with a donor's line in its place. */
const changeLine = fc.tuple(fc.constantFrom('remove', 'double', 'move', 'borrow'), place, place, place).map(
  ([how, at, to, which]): Mutation =>
    (bytes, donors) => {
      const lines = bytes.split('\n');
      const index = at % lines.length;
      const line = lines[index] ?? '';
      if (how === 'double') lines.splice(index, 0, line);
      else lines.splice(index, 1);
      if (how === 'move') lines.splice(to % (lines.length + 1), 0, line);
      if (how === 'borrow') {
        const borrowed = (donors[which % donors.length] ?? '').split('\n');
        lines.splice(index, 0, borrowed[to % borrowed.length] ?? '');
      }
      return lines.join('\n');
    },
);

const brackets = fc.constantFrom(['[', ']'], ['{a: ', '}'], ['- ', ''], ['? ', ''], ['{', '\n}'], ['"', '"']);
const depth = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.nat({ max: maximumDepth }) },
);

/** A stretch of the text is put into brackets, or the whole of it below a key. */
const nest = fc.tuple(place, length, depth, brackets).map(
  ([at, size, times, [open, close]]): Mutation =>
    (bytes) => {
      const index = at % (bytes.length + 1);
      const inner = bytes.slice(index, index + size);
      return bytes.slice(0, index) + open?.repeat(times) + inner + close?.repeat(times) + bytes.slice(index + size);
    },
);

const indent = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom('data:', 'a:', '-', 'config: |', '')).map(
  ([columns, head]): Mutation =>
    (bytes) =>
      `${head}\n${bytes.replaceAll(/^/gm, ' '.repeat(columns))}`,
);

/** One of the given words, or bytes of no meaning, put in. */
const insert = (words: readonly string[]): fc.Arbitrary<Mutation> =>
  fc.tuple(place, fc.oneof(fc.constantFrom(...words), fc.array(byte, { maxLength: 6 }))).map(
    ([at, what]): Mutation =>
      (bytes) => {
        const index = at % (bytes.length + 1);
        const text = typeof what === 'string' ? bytesOf(what) : String.fromCharCode(...what);
        return bytes.slice(0, index) + text + bytes.slice(index);
      },
  );

/** Texts of a corpus, each changed in a few places. `words` are what its grammar is made of. */
export function mutationsOf(corpus: readonly string[], words: readonly string[]): fc.Arbitrary<Bytes> {
  const donors = corpus.map(bytesOf);
  const mutation = fc.oneof(changeByte, cut, truncate, repeat, splice, changeLine, nest, indent, insert(words));
  return fc
    .tuple(fc.constantFrom(...donors), fc.array(mutation, { maxLength: 8 }))
    .map(([start, mutations]) =>
      mutations.reduce((bytes, mutate) => mutate(bytes, donors).slice(0, maximumLength), start),
    );
}

export function bytesOf(text: string): Bytes {
  return Buffer.from(text).toString('latin1');
}

/** The bytes as a program reads them from a pipe: what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: Bytes): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
