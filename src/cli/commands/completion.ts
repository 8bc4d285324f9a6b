import { exitCodes } from '../../errors.ts';
import type { CommandFunction, CommandTable } from '../command.ts';
import { type Flag, flagTable } from '../flags.ts';

/** `completion bash|zsh`: prints a script that completes these commands, and the flags. */
export function completionOf(commands: CommandTable): CommandFunction {
  return ({ operands: [shell], print }) => {
    print(shell === 'zsh' ? zshScript(commands) : bashScript(commands));
    return Promise.resolve(exitCodes.done);
  };
}

const flags: readonly (readonly [name: string, flag: Flag<unknown>])[] = Object.entries(flagTable);

/** For bash 4 and newer; `_init_completion` and the like of the package bash-completion are not needed. */
function bashScript(commands: CommandTable): string {
  return `# bash completion of ip-masq-agent; source it, or put it where bash-completion looks.
_ip_masq_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word
  # With = among COMP_WORDBREAKS, --flag=value comes in three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${Object.keys(commands).join('|')}) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $previous in
${valueCases((name) => `--${name}|-${name}`)}
  esac
  if [[ $current == -* ]]; then
    case $command in
${Object.keys(commands)
  .map((name) => `    ${name}) COMPREPLY=($(compgen -W '${dashed(flagsOf(name))}' -- "$current")) ;;`)
  .join('\n')}
    *) COMPREPLY=($(compgen -W '${dashed(flagsOf('run'))}' -- "$current")) ;;
    esac
  else
    case $command in
    '') COMPREPLY=($(compgen -W '${Object.keys(commands).join(' ')}' -- "$current")) ;;
${Object.entries(commands)
  .filter(([, { operand }]) => operand)
  .map(([name, { operand }]) => `    ${name}) ${operandReply(operand?.words)} ;;`)
  .join('\n')}
    esac
  fi
}
complete -F _ip_masq_agent ip-masq-agent
`;
}

/** What may follow a flag, as the branches of a \`case\` in bash. */
function valueCases(pattern: (name: string) => string): string {
  return flags
    .filter(([, { isBoolean }]) => !isBoolean)
    .map(([name, { choices, placeholder }]) => {
      const files = placeholder === 'PATH' ? undefined : choices;
      return `  ${pattern(name)}) ${operandReply(files)}; return ;;`;
    })
    .join('\n');
}

/** Words, or files where there are none to choose from. */
function operandReply(words: readonly string[] | undefined): string {
  if (words?.length === 0) return ':';
  return words === undefined
    ? `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")`
    : `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current"))`;
}

function dashed(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(' ');
}

/** The flags that a command heeds. */
function flagsOf(command: string): readonly string[] {
  return flags.filter(([, flag]) => (flag.command ?? command) === command).map(([name]) => name);
}

/** For zsh's own completion system: the specifications of \`_arguments\` (zshcompsys(1)). */
function zshScript(commands: CommandTable): string {
  return `#compdef ip-masq-agent
# zsh completion of ip-masq-agent; put it into a directory of $fpath under the name _ip-masq-agent.
_ip-masq-agent() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${flags.map(([name, flag]) => `    ${zshFlag(name, flag)} \\`).join('\n')}
    '1:command:->command' \\
    '2:operand:->operand'
  case $state in
  command)
    local -a commands=(
${Object.entries(commands)
  .map(([name, { help }]) => `      ${quoted(`${name}:${help}`)}`)
  .join('\n')}
    )
    _describe command commands
    ;;
  operand)
    case $line[1] in
${Object.entries(commands)
  .filter(([, { operand }]) => operand)
  .map(([name, { operand }]) => `    ${name}) ${operand?.words ? `compadd ${operand.words.join(' ')}` : '_files'} ;;`)
  .join('\n')}
    esac
    ;;
  esac
}
if [ "$funcstack[1]" = _ip-masq-agent ]; then _ip-masq-agent "$@"; else compdef _ip-masq-agent ip-masq-agent; fi
`;
}

function zshFlag(name: string, { isBoolean, choices, placeholder, help }: Flag<unknown>): string {
  const explained = `[${help.replaceAll(/[[\]:]/g, '\\$&')}]`;
  if (isBoolean) return quoted(`--${name}${explained}`);
  const action = choices.length > 0 ? `(${choices.join(' ')})` : placeholder === 'PATH' ? '_files' : '';
  return quoted(`--${name}=${explained}:${placeholder.toLowerCase().replaceAll(':', '\\:')}:${action}`);
}

/** One word of a shell, whatever it contains. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
