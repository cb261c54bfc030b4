import t from 'tap';
import { scopes, type Scope, type XapiPermission } from '../../../src/auth/credential.js';
import { can } from '../../../src/auth/permissions.js';

const permissions: XapiPermission[] = [
  'statements:write', 'statements:read', 'statements:read-mine', 'define', 'state:read', 'state:write', 'profile:read', 'profile:write',
  'activities:read', 'agents:read',
];

/** xAPI 1.0.3 Part Three 4.2; Quipu's own scopes give nothing of xAPI. */
const expected: Record<Scope, XapiPermission[]> = {
  'all': permissions,
  'all/read': ['statements:read', 'statements:read-mine', 'state:read', 'profile:read', 'activities:read', 'agents:read'],
  'statements/read': ['statements:read', 'statements:read-mine', 'activities:read', 'agents:read'],
  'statements/read/mine': ['statements:read-mine'],
  'statements/write': ['statements:write'],
  'state': ['state:read', 'state:write'],
  'profile': ['profile:read', 'profile:write'],
  'define': ['define'],
  'admin': [], 'tenant-admin': [], 'analytics': [], 'cmi5': [], 'monitor': [],
};

t.test('every scope gives its permissions and no other', async (t) => {
  for (const scope of scopes) {
    const credential = { tenant: 'one', id: 'key', scopes: new Set([scope]), authority: {} };
    t.same(permissions.filter((permission) => can(credential, permission)), permissions.filter((permission) => expected[scope].includes(permission)), scope);
  }
});

t.test('scopes add up and none give nothing', async (t) => {
  const credential = { tenant: 'one', id: 'key', scopes: new Set<Scope>(['statements/write', 'state']), authority: {} };
  t.same(permissions.filter((permission) => can(credential, permission)), ['statements:write', 'state:read', 'state:write']);
  t.notOk(permissions.some((permission) => can({ ...credential, scopes: new Set() }, permission)));
});
