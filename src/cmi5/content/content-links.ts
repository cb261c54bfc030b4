import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RecordStore } from '../../records/store.js';
import { QuipuError } from '../../xapi/errors.js';
import { resolveEntry } from '../course/package-path.js';

/** What an address of the content server gives access to: the files of a package, as long as a session is used. */
export interface ContentGrant {
  tenant: string;
  /** Id in the ContentStore: a UUID in lower case. */
  package: string;
  /** Id of the session: a UUID in lower case. */
  session: string;
}

/**
 * Addresses of the content server: `<content URL>/c/<signature>/<session>/<path in the package>`. The signature stands in the path, so
 * that relative addresses within the package hold. It names tenant and package and has an HMAC over both and the session, under a key
 * of the installation: every process verifies what any has made, and asks no store to turn away what none has made.
 */
export interface ContentLinks {
  /**
   * @param path as a course structure has it: relative to the root of the package, perhaps with query and fragment, which stay
   * @returns an absolute URL
   * @throws QuipuError `invalid-request` when the path leads out of the package
   */
  link(grant: ContentGrant, path: string): Promise<string>;
  /** What a signature and a session in a path grant; undefined when the signature is not ours or is another session's. */
  verify(signature: string, session: string): Promise<ContentGrant | undefined>;
  /** Host name that alone serves a package, in lower case; undefined when all packages share one. */
  hostOf(packageId: string): string | undefined;
}

export interface ContentLinksDeps {
  records: RecordStore;
  /** The public URL of the content server. A `*` in it stands for a host label, by which each package has a host of its own. */
  url(): string;
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** Tenant, the 16 bytes of the package's id, 144 bits of the HMAC; the last two in base64url. */
const form = /^([a-z0-9-]{1,40})\.([\w-]{22})\.([\w-]{24})$/;
const MAC_BYTES = 18;

export function createContentLinks({ records, url }: ContentLinksDeps): ContentLinks {
  const secrets = records.collection<{ key: string }>({ name: 'server-secrets', indexes: [], unique: [] });
  let known: Buffer | undefined;

  /** The key of the installation, made by whichever process comes first. */
  async function secret(): Promise<Buffer> {
    if (known) return known;
    const id = 'cmi5-content';
    const record = await secrets.get('', id)
      ?? (await secrets.insert('', id, { key: randomBytes(32).toString('hex') }), await secrets.get('', id));
    if (!record) throw new Error('The key of the content addresses is gone');
    return known = Buffer.from(record.value.key, 'hex');
  }

  function macOf(key: Buffer, grant: ContentGrant): Buffer {
    return createHmac('sha256', key).update(`${grant.tenant}\n${grant.package}\n${grant.session}`, 'utf8').digest().subarray(0, MAC_BYTES);
  }

  /** A package's id is a host label as it stands. */
  const addressOf = (packageId: string): string => url().replace('*', packageId).replace(/\/+$/, '');

  return {
    async link(grant, path) {
      const mac = macOf(await secret(), grant);
      const packageText = Buffer.from(grant.package.replaceAll('-', ''), 'hex').toString('base64url');
      const root = `${addressOf(grant.package)}/c/${grant.tenant}.${packageText}.${mac.toString('base64url')}/${grant.session}/`;
      const target = new URL(`./${path}`, root);
      if (resolveEntry(path) === undefined || !target.href.startsWith(root)) {
        throw new QuipuError('invalid-request', `The path ${JSON.stringify(path.slice(0, 200))} does not lead to a file of the package.`);
      }
      return target.href;
    },
    async verify(signature, session) {
      const [, tenant, packageText, macText] = form.exec(signature) ?? [];
      if (tenant === undefined || !uuid.test(session)) return undefined;
      const grant: ContentGrant = { tenant, package: uuidOf(Buffer.from(packageText!, 'base64url')), session };
      return timingSafeEqual(macOf(await secret(), grant), Buffer.from(macText!, 'base64url')) ? grant : undefined;
    },
    hostOf: (packageId) => (url().includes('*') ? new URL(addressOf(packageId)).hostname : undefined),
  };
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
