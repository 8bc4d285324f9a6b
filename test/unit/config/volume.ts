import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory that is gone at the end of the scope. */
export function temporaryDirectory(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'ip-masq-agent-config-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A directory as the kubelet fills it for a ConfigMap: links through `..data`, which is swapped in one rename. */
export class ConfigMapVolume {
  readonly #directory: string;
  #generation = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Puts the files of a generation there, without a look at them yet. Returns its directory. */
  write(files: Readonly<Record<string, string>>): string {
    this.#generation += 1;
    const generation = `..2026_11_23_${this.#generation}`;
    mkdirSync(join(this.#directory, generation));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#directory, generation, name), text);
    return generation;
  }

  swapTo(generation: string): void {
    symlinkSync(generation, join(this.#directory, '..data_tmp'));
    renameSync(join(this.#directory, '..data_tmp'), join(this.#directory, '..data'));
  }

  link(name: string): void {
    symlinkSync(join('..data', name), join(this.#directory, name));
  }
}
