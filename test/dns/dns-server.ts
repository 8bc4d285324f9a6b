import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { decode, encode, type Answer as Record } from 'dns-packet';

/** How the server answers a question: records of any type, an error code, or nothing at all. */
export type Zone = (name: string, type: string) => readonly Record[] | 'NXDOMAIN' | 'SERVFAIL' | 'silence';

const responseCodes = { NXDOMAIN: 3, SERVFAIL: 2 } as const;

/** What goes into a datagram (the EDNS buffer size that DNS software agreed on in 2020); more is asked for over TCP. */
const longestDatagram = 1232;
const truncated = 0x02_00;

/** A DNS server over UDP and TCP, whose zone the test changes as it likes. */
export class DnsServer {
  zone: Zone;
  /** The questions so far, as `A example.com`. */
  readonly questions: string[] = [];
  readonly #datagrams: Socket;
  readonly #streams: Server;

  private constructor(datagrams: Socket, streams: Server, zone: Zone) {
    this.#datagrams = datagrams;
    this.#streams = streams;
    this.zone = zone;
    datagrams.on('message', (message, { port, address }) => {
      const answer = this.#answer(message);
      if (answer === undefined) return;
      const isWhole = answer.length <= longestDatagram;
      datagrams.send(isWhole ? answer : (this.#answer(message, truncated) ?? answer), port, address);
    });
    streams.on('connection', (connection) => {
      connection.on('error', () => connection.destroy());
      connection.on('data', (data: Buffer) => {
        // The length in two bytes (RFC 1035, section 4.2.2), then a question that fits into one segment.
        const answer = this.#answer(data.subarray(2));
        if (answer === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        connection.write(Buffer.concat([length, answer]));
      });
    });
  }

  /** Starts on a free port of a loopback address, or where it is told to. */
  static async start(zone: Zone, at = { address: '127.0.0.1', port: 0 }): Promise<DnsServer> {
    const datagrams = createSocket('udp4');
    datagrams.bind(at.port, at.address);
    await once(datagrams, 'listening');
    const streams = createServer();
    streams.listen(datagrams.address().port, at.address);
    await once(streams, 'listening');
    return new DnsServer(datagrams, streams, zone);
  }

  /** As a resolver takes it. */
  get address(): string {
    const { address, port } = this.#datagrams.address();
    return `${address}:${port}`;
  }

  stop(): void {
    this.#datagrams.close();
    this.#streams.close();
  }

  #answer(message: Buffer, extraFlags = 0): Buffer | undefined {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    if (!question) return undefined;
    if (extraFlags === 0) this.questions.push(`${question.type} ${question.name}`);
    const found = this.zone(question.name, question.type);
    if (found === 'silence') return undefined;
    const code = typeof found === 'string' ? responseCodes[found] : 0;
    const answers = typeof found === 'string' || extraFlags !== 0 ? [] : [...found];
    const packet = { type: 'response', id: id ?? 0, flags: 0x01_80 | code | extraFlags, questions, answers } as const;
    return Buffer.from(encode(packet));
  }
}
