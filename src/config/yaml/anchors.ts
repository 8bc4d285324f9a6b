import type { ConfigNode } from '../node.ts';
import { TextFault } from '../text-fault.ts';

/** A node that an alias may name. Without a value yet, it is still being read. */
interface Definition {
  value: ConfigNode | undefined;
  /** Decode operations before it, and those that decoding it takes. */
  readonly before: number;
  size: number;
}

/**
 * What `&anchor` names, and the work that Go's decoder does: it decodes an aliased value again for each alias. Here
 * aliases share one value, but documents that Go refuses for their work (go-yaml's allowedAliasRatio) are refused too.
 */
export class Anchors {
  readonly #definitions = new Map<string, Definition>();
  /** Decode operations so far; the document is the first. */
  #decoded = 1;
  #decodedForAliases = 0;

  get decoded(): number {
    return this.#decoded;
  }

  /** Counts a node that begins here, and gives it its name if it has one. */
  begin(name: string | undefined): Definition | undefined {
    const definition = name === undefined ? undefined : { value: undefined, before: this.#decoded, size: 0 };
    if (name !== undefined && definition !== undefined) this.#definitions.set(name, definition);
    this.#decoded += 1;
    return definition;
  }

  end(definition: Definition | undefined, value: ConfigNode): void {
    if (definition === undefined) return;
    definition.value = value;
    definition.size = this.#decoded - definition.before;
  }

  /** The value of `*name`. Throws TextFault where nothing has that name, or only what the alias itself is part of. */
  resolve(name: string, offset: number): ConfigNode {
    const definition = this.#definitions.get(name);
    if (definition === undefined) {
      throw new TextFault(offset, `nothing above is named &${name}`, 'quotes around a text that starts with *');
    }
    if (definition.value === undefined) throw new TextFault(offset, `the value of &${name} contains itself`);
    this.#decoded += 1 + definition.size;
    this.#decodedForAliases += definition.size;
    if (this.#isExcessive) throw new TextFault(offset, 'the aliases expand to too many values', 'fewer aliases');
    return definition.value;
  }

  /** At most 99 % of the work may come from aliases up to 400,000 operations, then falling to 10 % at 4,000,000. */
  get #isExcessive(): boolean {
    if (this.#decodedForAliases <= 100 || this.#decoded <= 1000) return false;
    const scale = Math.min(Math.max((this.#decoded - 400_000) / 3_600_000, 0), 1);
    return this.#decodedForAliases / this.#decoded > 0.99 - 0.89 * scale;
  }
}
