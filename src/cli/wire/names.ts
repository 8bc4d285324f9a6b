import type { StartNames } from '../../agent/names.ts';
import { type Config, namesIn } from '../../config/config.ts';
import type { AskDns } from '../../names/ask.ts';
import { type NameAnswer, NameWatch } from '../../names/name-watch.ts';
import { type Family, families } from '../../net/family.ts';
import type { Flags } from '../flags.ts';

/** Loaded with the first question: most configs have no names. */
const ask: AskDns = async (name, of) => {
  const { createDns } = await import('../../names/ask.ts');
  return createDns()(name, of);
};

/** Keeps what the names in the agent's config stand for up to date. */
export function namesOf(flags: Flags): StartNames {
  return (onChange) => new NameWatch({ ask, families: familiesOf(flags), onChange });
}

/** Asks DNS once for each name in some configs, and says why there is no answer. */
export async function resolveOnce(flags: Flags, configs: readonly Config[]): Promise<readonly NameAnswer[]> {
  const names = [...new Set(configs.flatMap(namesIn))];
  const answers: NameAnswer[] = [];
  const askNext = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const answer = await ask(name, familiesOf(flags));
      answers.push(
        'failure' in answer
          ? { name, addresses: [], isAnswered: false, failure: answer.failure }
          : { name, addresses: answer.addresses, isAnswered: true, failure: undefined },
      );
    }
  };
  await Promise.all(Array.from({ length: mostQuestions }, askNext));
  return answers;
}

/** Each holds two sockets. */
const mostQuestions = 32;

function familiesOf(flags: Flags): readonly Family[] {
  return flags['enable-ipv6'] ? families : ['ipv4'];
}
