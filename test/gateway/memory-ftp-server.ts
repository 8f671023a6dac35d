import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A small FTP server (RFC 959, passive mode) over files in memory, in the test's own process: for virtual time. */
export class MemoryFtpServer implements AsyncDisposable {
  readonly files = new Map<string, Buffer>();
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (control: Socket) => {
      this.#serve(control);
    });
  }

  static async start(): Promise<MemoryFtpServer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new MemoryFtpServer(server);
  }

  read(name: string): Buffer | undefined {
    return this.files.get(name);
  }

  write(name: string, bytes: Buffer): void {
    this.files.set(name, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    return socket.once('close', () => this.#sockets.delete(socket));
  }

  #serve(control: Socket): void {
    this.#keep(control);
    const say = (line: string): void => {
      if (control.writable) control.write(`${line}\r\n`);
    };
    let data: Promise<Socket> | undefined;
    let text = '';
    say('220 ready');
    control.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split('\r\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const [, verb = '', argument = ''] = /^(\w+) ?(.*)$/.exec(line) ?? [];
        const name = argument.replace(/^.*\//, '');
        switch (verb) {
          case 'USER':
            say(argument === 'user' ? '331 password' : '530 who?');
            break;
          case 'PASS':
            say('230 in');
            break;
          case 'TYPE':
          case 'CWD':
            say('200 fine');
            break;
          case 'PWD':
            say('257 "/" is here');
            break;
          case 'SIZE':
            say(this.files.has(name) ? `213 ${this.files.get(name)?.length ?? 0}` : '550 none');
            break;
          case 'DELE':
            say(this.files.delete(name) ? '250 gone' : '550 none');
            break;
          case 'PASV': {
            const listener = createServer().listen(0, '127.0.0.1');
            data = once(listener, 'connection').then(([socket]) => {
              listener.close();
              return this.#keep(socket as Socket);
            });
            listener.once('listening', () => {
              const { port } = listener.address() as AddressInfo;
              say(`227 here (127,0,0,1,${port >> 8},${port & 0xff})`);
            });
            break;
          }
          case 'LIST':
            say('150 list');
            void data?.then((socket) => {
              socket.end([...this.files].map(([file, { length }]) => `-rw ${length} ${file}\r\n`).join(''));
              socket.once('close', () => {
                say('226 done');
              });
            });
            break;
          case 'RETR': {
            const body = this.files.get(name);
            if (body === undefined) say('550 none');
            else {
              say('150 here');
              void data?.then((socket) => {
                let isWhole = false;
                socket.end(body, () => (isWhole = true));
                socket.once('close', () => {
                  say(isWhole ? '226 done' : '426 cut');
                });
              });
            }
            break;
          }
          case 'STOR':
          case 'APPE': {
            say('150 go on');
            let body = verb === 'APPE' ? (this.files.get(name) ?? Buffer.alloc(0)) : Buffer.alloc(0);
            this.files.set(name, body);
            void data?.then((socket) => {
              socket.on('data', (bytes: Buffer) => {
                body = Buffer.concat([body, bytes]);
                this.files.set(name, body);
              });
              socket.once('close', () => {
                say('226 done');
              });
            });
            break;
          }
          case 'QUIT':
            say('221 bye');
            control.end();
            break;
          default:
            say('502 what?');
        }
      }
    });
  }
}
