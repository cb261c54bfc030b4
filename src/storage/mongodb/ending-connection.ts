import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';

type ConnectionType = new (stream: Duplex, options: object) => object;

const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as { Connection: ConnectionType };

/**
 * A connection of the driver whose commands always come to an end. A command that a socket does not take at once waits for its
 * `drain`, also when the socket is gone already or goes without an error, as it does when the server ends it or does not answer
 * in time: then `drain` never comes (mongodb 7.9, `Connection.writeCommand`). A request would hang for good, and with the
 * driver's own look at the server the whole process would never find it again. Here the end of a socket wakes whoever waits,
 * who then finds the connection closed.
 */
export class EndingConnection extends Connection {
  constructor(stream: Duplex, options: object) {
    super(stream, options);
    // After the driver's own listener.
    stream.once('close', () => stream.emit('drain'));
  }
}
