/** True for a host that only this machine reaches. A name is taken for what it says: `localhost`. */
export function isLoopback(host: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(host) || host === '::1' || host === '0:0:0:0:0:0:0:1' || host === 'localhost';
}
