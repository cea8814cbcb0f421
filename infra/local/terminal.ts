// What the person who runs `npm start` sees.
import { styleText } from 'node:util';
import { createLog } from '#core/google/log.ts';
import { renderLogLine, type Style } from './log-lines.ts';

export interface Terminal {
  /** A long step that begins. */
  readonly progress: (text: string) => void;
  /** Something that went wrong and is being dealt with. */
  readonly warning: (text: string) => void;
  /** A line that a program wrote. */
  readonly programLine: (name: string, line: string) => void;
  readonly ready: (facts: ReadyFacts) => void;
}

export interface ReadyFacts {
  /** `localhost:8080` */
  readonly address: string;
  readonly source: string;
  readonly reason: string;
  /** Patterns of the tags that are answered. */
  readonly tags: readonly string[];
  readonly state: string;
}

/** Text with colours on a terminal, or JSON lines throughout. */
export function createTerminal(format: 'text' | 'json', output: NodeJS.WriteStream): Terminal {
  return format === 'json' ? jsonTerminal(output) : textTerminal(output);
}

function textTerminal(output: NodeJS.WriteStream): Terminal {
  const style: Style = (format, text) => styleText(format, text, { stream: output });
  const print = (text: string): void => void output.write(`${text}\n`);
  return {
    progress: text => print(`${style('dim', '…')} ${text}`),
    warning: text => print(`${style('yellow', '!')} ${text}`),
    programLine: (name, line) => print(renderLogLine(name, line, style)),
    ready: ({ address, source, reason, tags, state }) => {
      const others = tags.filter(tag => tag !== 'latest');
      print(`
${style('green', '✓')} Derivery is ready at ${style('bold', `http://${address}`)}

    ${style('bold', `docker pull ${address}/shell/git`)}

  Packages  ${source} (${reason})${others.length > 0 ? `\n  Tags      latest, ${others.join(', ')}` : ''}
  Data      ${state}
  Stop      Ctrl-C
`);
    },
  };
}

function jsonTerminal(output: NodeJS.WriteStream): Terminal {
  const log = createLog('start');
  return {
    progress: text => log.info(text),
    warning: text => log.warn(text),
    programLine: (_name, line) => void output.write(`${line}\n`),
    ready: facts => log.info(facts, 'ready'),
  };
}
