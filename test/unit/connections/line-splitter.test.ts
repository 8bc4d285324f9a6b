import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/connections/line-splitter.ts';

describe('LineSplitter', () => {
  it('gives the same lines wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z =]*$/)),
        fc.array(fc.nat(40)),
        fc.boolean(),
        (lines, cuts, isEnded) => {
          const text = lines.map((line) => `${line}\n`).join('') + (isEnded ? '' : 'rest');
          const found: string[] = [];
          const splitter = new LineSplitter((line) => found.push(line));
          let bytes = Buffer.from(text);
          for (const cut of cuts) {
            // The same memory again and again, as a stream may do it.
            const piece = Buffer.from(bytes.subarray(0, cut));
            splitter.add(piece);
            piece.fill(0);
            bytes = bytes.subarray(cut);
          }
          splitter.add(bytes);
          splitter.end();
          expect(found).toEqual(isEnded ? lines : [...lines, 'rest']);
        },
      ),
    );
  });
});
