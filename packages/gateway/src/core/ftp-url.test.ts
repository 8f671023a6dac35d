import { expect, it } from 'vitest';
import { parseFtpUrl } from './ftp-url.ts';

it.each([
  ['ftp://host', { host: 'host', port: 21, user: undefined, path: '', hasPassword: false }],
  ['FTP://10.0.0.1:2121/', { host: '10.0.0.1', port: 2121, user: undefined, path: '', hasPassword: false }],
  ['ftp://me@host/a/b%20c', { host: 'host', port: 21, user: 'me', path: 'a/b c', hasPassword: false }],
  ['ftp://a%40b@host/%2Fetc/x', { host: 'host', port: 21, user: 'a@b', path: '/etc/x', hasPassword: false }],
  ['ftp://me:secret@host/a', { host: 'host', port: 21, user: 'me', path: 'a', hasPassword: true }],
  ['ftp://me:@host/a', { host: 'host', port: 21, user: 'me', path: 'a', hasPassword: true }],
])('%s', (text, url) => {
  expect(parseFtpUrl(text)).toEqual(url);
});

it.each(['', 'host/a', 'http://host/', 'ftp://', 'ftp:///a', 'ftp://host:0/', 'ftp://host:70000/', 'ftp://host/%zz'])(
  '%j is none',
  (text) => {
    expect(parseFtpUrl(text)).toBeUndefined();
  },
);
