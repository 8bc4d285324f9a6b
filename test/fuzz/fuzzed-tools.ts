import * as fc from 'fast-check';
import { AgentError } from '../../src/errors.ts';
import type { Outcome, Runner } from '../../src/system/run.ts';
import type { ToolTexts } from './corpus.ts';
import { mutationsOf, textOf } from './mutation.ts';

/** How one run of a tool ends. */
export type Answer = Outcome | AgentError;

/** What was fed to a tool, which then may reach the kernel. */
interface Feed {
  readonly tool: string;
  readonly input: string;
}

/** Tools that read and say whatever they are told to. */
export interface FuzzedTools extends Runner {
  readonly fed: readonly Feed[];
}

/** Whoever asks so often does not do it to get an answer. A search through other programs' chains may take 64 runs. */
const mostRuns = 300;

/** Reading commands get the answers round and round; those that change something succeed, or fail, likewise. */
export function fuzzedTools(answers: readonly Answer[], writes: readonly Answer[]): FuzzedTools {
  const fed: Feed[] = [];
  let runs = 0;
  let reads = 0;
  return {
    fed,
    run({ tool, args, input: piped }) {
      // What is to be changed in JSON stands in the arguments.
      const input = piped ?? (args[0] === '-j' && args.length === 2 ? args[1] : undefined);
      if (runs++ > mostRuns) throw new Error(`tools were run ${mostRuns} times: this does not end`);
      if (input !== undefined) fed.push({ tool, input });
      const answer = input === undefined ? answers[reads++ % answers.length] : writes[fed.length % writes.length];
      if (answer === undefined) throw new Error('no answer was given');
      return answer instanceof AgentError ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

const words = [
  ...['table inet ip-masq-agent {', 'chain postrouting {', 'jump policy-', 'elements = {', 'set ', ' }', '}\n', '\t'],
  ...['inet ip-masq-agent', 'flags dormant', 'counter kept-ipv4 {', 'packets 1 bytes 1', '# new generation 9 by ', '@'],
  ...['-A POSTROUTING ', '-A ', '-N ', '-j ', '-g ', '! ', '--comment "', '-m comment ', 'IP-MASQ-AGENT', '.MASQ'],
  ...['MASQUERADE', '-d 10.0.0.0/8', '-s ', '--to-ports 1-2', '--probability 0.5', '"', '\\"', '\\', "'", '\n', '\r'],
  ...[
    '; flush ruleset; ',
    '\n-F\n',
    '\nCOMMIT\n*filter\n',
    ' -t filter ',
    '$(id)',
    '`id`',
    '\u001b[2J',
    '\0',
    '\u0085',
  ],
  ...[
    'line 3',
    ':4:5-6: Error: ',
    'No such file or directory',
    'xtables lock',
    '{ 6, 17, 132 }',
    '99999999999999999999',
  ],
];

const failures = fc.constantFrom(
  new AgentError('TOOL_MISSING', 'nft is not installed (not found in PATH)'),
  new AgentError('TOOL_TIMEOUT', 'nft -f - did not finish within 30000 ms'),
  new AgentError('TOOL_FAILED', 'nft -f -: ended by SIGKILL (9)'),
);

const success: Outcome = { exitCode: 0, stdout: '', stderr: '' };
const exitCode = fc.constantFrom(0, 1, 1, 1, 2, 3, 4, 77, 111, 127, 255);

/** What tools may say where they are asked: mostly something that they once said, more or less mutilated. */
export function answersFrom({ listings, complaints }: ToolTexts): fc.Arbitrary<Answer> {
  const stdout = mutationsOf(listings, [...words]).map(textOf);
  const stderr = mutationsOf(complaints, [...words]).map(textOf);
  return fc.oneof(
    { weight: 9, arbitrary: stdout.map((text) => ({ ...success, stdout: text })) },
    { weight: 4, arbitrary: fc.record({ exitCode, stdout: fc.constantFrom('', '\n'), stderr }) },
    { weight: 2, arbitrary: fc.constantFrom(...listings).map((text) => ({ ...success, stdout: text })) },
    { weight: 1, arbitrary: failures },
  );
}

/** How they may end where they are told to change something. */
export function writesFrom({ complaints }: ToolTexts): fc.Arbitrary<Answer> {
  const stderr = mutationsOf(complaints, [...words]).map(textOf);
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(success) },
    { weight: 2, arbitrary: fc.record({ exitCode, stdout: fc.constant(''), stderr }) },
    { weight: 1, arbitrary: failures },
  );
}

/** What a tool may complain about, mutilated. */
export function complaintsFrom({ complaints }: ToolTexts): fc.Arbitrary<string> {
  return mutationsOf(complaints, [...words]).map(textOf);
}
