import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';

describe('e-mail of the module', () => {
  it('sets the account and sends', async () => {
    const mails: string[] = [];
    const { clock, module, ipEasy } = setUp({
      module: {
        more: (line, io) => {
          if (/^AT#(ESMTP|EADDR|EUSER|EPASSW|ESAV)/.test(line)) io.result('OK');
          else if (line.startsWith('AT#EMAILD')) {
            io.prompt((text) => {
              mails.push(text);
              io.result(mails.length === 1 ? 'OK' : '+CME ERROR: 550');
            });
          } else if (line === 'AT#EMAILMSG') io.answer(['#EMAILMSG: 550 5.1.1 no such user']);
          else return false;
          return true;
        },
      },
    });
    await clock.run(ipEasy.prepare());
    await clock.run(
      ipEasy.mail.setAccount({ host: 'smtp.example.org', from: 'gw@example.org', user: 'gw', password: 'x' }),
    );
    await clock.run(ipEasy.mail.send({ to: 'a@example.org', subject: 'Alarm', text: 'Line 1\r\nLine 2' }));
    expect(mails).toEqual(['Line 1\r\nLine 2']);
    expect(module.lines).toContain('AT#EMAILD="a@example.org","Alarm",0');
    await expect(clock.run(ipEasy.mail.send({ to: 'b@example.org', subject: 'x', text: 'y' }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_MAIL_REFUSED',
      context: { reply: '550 5.1.1 no such user' },
    });
    await expect(clock.run(ipEasy.mail.send({ to: 'b@example.org', subject: 'x"', text: 'y' }))).rejects.toMatchObject({
      code: 'ERR_AT_UNSAFE_TEXT',
    });
    await expect(
      clock.run(ipEasy.mail.send({ to: 'b@example.org', subject: 'x', text: 'a\x1ab' })),
    ).rejects.toMatchObject({ code: 'ERR_AT_UNSAFE_TEXT' });
  });
});
