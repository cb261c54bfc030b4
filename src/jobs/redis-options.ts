/** How to reach Redis. */
export interface RedisOptions {
  host: string;
  port: number;
  username?: string;
  password?: string;
  db?: number;
  tls?: { servername: string };
}

/**
 * @param text such as redis://user:password@host:6379/0, or rediss: for TLS
 * @throws Error with a sentence for the operator, without the address, which may hold a password
 */
export function redisOptions(text: string): RedisOptions {
  const refusal = (what: string): Error => new Error(`The setting QUIPU_REDIS_URL can't be used: ${what}. It takes an address such as redis://localhost:6379/0.`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refusal('it is no URL');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw refusal('it does not begin with redis:// or rediss://');
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(database)) throw refusal('its path is not the number of a database');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  return {
    host, port: Number(url.port || 6379),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(database === '' ? {} : { db: Number(database) }),
    ...(url.protocol === 'rediss:' ? { tls: { servername: host } } : {}),
  };
}
