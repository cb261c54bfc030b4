import t from 'tap';
import { QuipuError } from '../../../src/xapi/errors.js';
import { isFirstLineVersion, isKnownLineVersion, negotiateVersion } from '../../../src/xapi/versions.js';

t.test('served versions', async (t) => {
  for (const header of ['1.0', '1.0.0', '1.0.3', '1.0.9', '1.0.10', ' 1.0.3 ']) t.equal(negotiateVersion(header), '1.0.3', header);
  for (const header of ['2.0', '2.0.0', '2.0.7']) t.equal(negotiateVersion(header), '2.0.0', header);
});

t.test('everything else is refused', async (t) => {
  for (const header of [undefined, '', '0.9', '0.95', '0.9.9', '1', '1.1', '1.1.0', '2', '2.1.0', '3.0.0', '1.0.', '1.0.x', '1.0.3.1', '1.0.3-beta', 'v1.0.3', '1.0.3, 2.0.0', 'bad\n']) {
    try {
      negotiateVersion(header);
      t.fail(`accepted ${header}`);
    } catch (error) {
      t.ok(error instanceof QuipuError && error.code === 'invalid-version' && error.status === 400, String(header));
    }
  }
});

t.test("a statement's version", async (t) => {
  for (const value of ['1.0', '1.0.0', '1.0.9']) t.ok(isFirstLineVersion(value) && isKnownLineVersion(value), value);
  for (const value of ['2.0', '2.0.0']) t.ok(!isFirstLineVersion(value) && isKnownLineVersion(value), value);
  for (const value of ['0.9.9', '1.1.0', '2.1.0', 'should fail', '']) t.notOk(isFirstLineVersion(value) || isKnownLineVersion(value), value);
});
