import { TextFault } from '../text-fault.ts';
import type { TagDirectiveToken, TagToken } from './token.ts';

/** What the short forms of tags stand for. */
export class TagHandles {
  readonly #declared = new Map<string, string>();

  declare({ handle, prefix, offset }: TagDirectiveToken): void {
    if (this.#declared.has(handle)) throw new TextFault(offset, `a second %TAG directive for ${handle}`);
    this.#declared.set(handle, prefix);
  }

  /** The full tag; `!` for the lone exclamation mark. */
  resolve({ handle, suffix, offset }: TagToken): string {
    if (handle === '') return suffix;
    const prefix = this.#declared.get(handle) ?? defaults.get(handle);
    if (prefix === undefined) throw new TextFault(offset, `the tag handle ${handle} is not declared`, 'no tag');
    return prefix + suffix;
  }
}

const defaults: ReadonlyMap<string, string> = new Map([
  ['!', '!'],
  ['!!', 'tag:yaml.org,2002:'],
]);
