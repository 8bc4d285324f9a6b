import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode, type Answer as Record } from 'dns-packet';

/** How the server answers a question: records of any type, an error code, or nothing at all. */
export type Zone = (name: string, type: string) => readonly Record[] | 'NXDOMAIN' | 'SERVFAIL' | 'silence';

const responseCodes = { NXDOMAIN: 3, SERVFAIL: 2 } as const;

/** A DNS server over UDP on a loopback address, whose zone the test changes as it likes. */
export class DnsServer {
  zone: Zone;
  /** The questions so far, as `A example.com`. */
  readonly questions: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket, zone: Zone) {
    this.#socket = socket;
    this.zone = zone;
    socket.on('message', (message, { port, address }) => {
      const answer = this.#answer(message);
      if (answer) socket.send(answer, port, address);
    });
  }

  static async start(zone: Zone): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket, zone);
  }

  /** As a resolver takes it. */
  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(message: Buffer): Buffer | undefined {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    if (!question) return undefined;
    this.questions.push(`${question.type} ${question.name}`);
    const found = this.zone(question.name, question.type);
    if (found === 'silence') return undefined;
    const code = typeof found === 'string' ? responseCodes[found] : 0;
    const answers = typeof found === 'string' ? [] : [...found];
    const packet = { type: 'response', id: id ?? 0, flags: 0x01_80 | code, questions, answers } as const;
    return Buffer.from(encode(packet));
  }
}
