import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a conversation sees of a FTP server: the data connections, one behind the other. */
export interface FtpConnection {
  /** Where the file of a download is written, and closed. */
  readonly socket: { write(bytes: Uint8Array): void; end(): void };
  received: string;
  readonly ended: boolean;
}

/** A FTP server of a conversation: takes anybody in, stores what comes, and sends what the conversation says. */
export class FtpEnd {
  readonly #server: Server;
  #control: Socket | undefined;
  #data: Socket | undefined;
  #pending: Uint8Array[] = [];
  #endWanted = false;
  #target = { address: '', port: 0 };
  readonly connection: FtpConnection = {
    received: '',
    ended: false,
    socket: {
      write: (bytes) => {
        this.#pending.push(bytes);
        this.#flush();
      },
      end: () => {
        this.#endWanted = true;
        this.#flush();
      },
    },
  };

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#greet(socket);
    });
  }

  static async listen(): Promise<FtpEnd> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FtpEnd(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** True once somebody has connected. */
  get isUsed(): boolean {
    return this.#control !== undefined;
  }

  close(): void {
    this.#control?.destroy();
    this.#data?.destroy();
    this.#server.close();
  }

  #greet(control: Socket): void {
    this.#control = control;
    let text = '';
    control.on('error', () => undefined);
    control.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const lines = text.split('\r\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#obey(line);
    });
    this.#say('220 ready');
  }

  #say(reply: string): void {
    this.#control?.write(`${reply}\r\n`);
  }

  #obey(line: string): void {
    const [verb = '', argument = ''] = line.split(/ (.*)/);
    if (verb === 'USER') this.#say('331 password');
    else if (verb === 'PASS') this.#say('230 in');
    else if (verb === 'CWD') this.#say('250 there');
    else if (verb === 'QUIT') this.#say('221 bye');
    else if (verb === 'PORT') this.#aim(argument);
    else if (verb === 'RETR') this.#transfer();
    else if (verb === 'STOR' && !argument.startsWith('/no/such')) this.#transfer();
    else if (verb === 'STOR') {
      this.connection.received += 'STOR refused with 550';
      this.#say('550 no such directory');
    } else this.#say('200 ok');
  }

  #aim(argument: string): void {
    const numbers = argument.split(',').map(Number);
    const [high = 0, low = 0] = numbers.slice(4);
    this.#target = { address: numbers.slice(0, 4).join('.'), port: high * 256 + low };
    this.#say('200 ok');
  }

  #transfer(): void {
    const data = connect(this.#target.port, this.#target.address);
    data.on('error', () => undefined);
    data.on('data', (chunk: Buffer) => {
      this.connection.received += chunk.toString('latin1');
    });
    data.on('close', () => {
      this.#data = undefined;
      this.#say('226 done');
    });
    data.on('connect', () => {
      this.#data = data;
      this.#flush();
    });
    this.#say('150 go');
  }

  #flush(): void {
    if (this.#data === undefined) return;
    for (const bytes of this.#pending.splice(0)) this.#data.write(bytes);
    if (!this.#endWanted) return;
    this.#endWanted = false;
    this.#data.end();
  }
}
