import t from 'tap';
import { isDuration, truncateDuration } from '../../../src/xapi/durations.js';
import { isIri, isUri } from '../../../src/xapi/iris.js';
import { isLanguageTag } from '../../../src/xapi/language-tags.js';
import { isMailtoIri, isSha1Sum } from '../../../src/xapi/mailboxes.js';
import { isMediaType, isSha2 } from '../../../src/xapi/media-types.js';
import { isUuid } from '../../../src/xapi/uuids.js';

interface Format {
  name: string;
  check: (value: string) => boolean;
  valid: string[];
  invalid: string[];
}

const megabyte = 1_000_000;

const formats: Format[] = [
  {
    name: 'duration',
    check: isDuration,
    valid: [
      'PT4H35M59.14S', 'PT16559.14S', 'P3Y1M29DT4H35M59.14S', 'P3Y', 'P4W', 'PT1H0M0.1S', 'P1DT12H36M0.12567S', 'PT0S', 'P1M', 'PT1M',
      'PT1,5S', 'P0.5W', 'PT1.5H', 'P1.5Y', 'P1Y1.5D', `PT${'9'.repeat(1000)}S`,
    ],
    invalid: [
      '', 'P', 'PT', 'P1YT', 'P4W1D', 'P1Y4W', 'PA1H0M0S', 'pt1s', 'PT1s', 'P1S', 'PT1Y', 'P1D1Y', 'PT1S1M', 'PT1.5H1S', 'P1.5YT1S', 'PT1.S', 'PT.5S',
      '-PT1S', '+PT1S', 'PT-1S', 'P0003-06-04T12:30:05', 'P00030604T123005', ' PT1S', 'PT1S ', 'PT1S\n', 'PT١S', '12345',
      `P${'1Y'.repeat(100_000)}`, `PT${'9'.repeat(megabyte)}`,
    ],
  },
  {
    name: 'IRI',
    check: isIri,
    valid: [
      'http://example.com', 'http://example.com/فعل/خواندن', 'urn:uuid:fd41c918-b88b-4b20-a0a5-a4c32391aaa0', 'tag:adlnet.gov,2013:expapi:1.0',
      'http://example.com/xapi/verbs#defenestrated', 'https://example.com/a%20b', 'mailto:a@b.c', 'x-y+z.1:a', 'http://example.com/?a[]=1',
      'http://example.com/block-v1:edX+DemoX+type@problem', 'http://example.com/\u{1f600}', 'act:a', 'http://exam_ple.com:8080/~x/(y);z=1',
      `http://example.com/${'a'.repeat(megabyte)}`,
    ],
    invalid: [
      '', 'should fail', 'example.com', '/relative', 'relative/path', '#fragment', 'ab=c://should.fail.com', ':a', '1a:b', 'http:', '://a', 'é:a',
      'http://example.com/a b', 'http://example.com/\u00a0'.concat(' '), 'http://example.com/<a>', 'http://example.com/{a}', 'http://example.com/a|b',
      'http://example.com/a\\b', 'http://example.com/"', 'http://example.com/^', 'http://example.com/`', 'http://example.com/%', 'http://example.com/%zz',
      'http://example.com/\u0000', 'http://example.com/\n', 'http://example.com/\u007f', 'http://example.com/\u0085', 'http://example.com/\ud800',
      'http://example.com/\udc00a', 'http://example.com/\ufffe', '\u212aa:b', '438AD672-DE2C-4F0B-8876-35444E7DD746', `http://example.com/${'a'.repeat(megabyte)} `,
      `${'a'.repeat(megabyte)}`, `http://example.com/${'%41'.repeat(100_000)}%`,
    ],
  },
  {
    name: 'URI',
    check: isUri,
    valid: ['http://openid.example.org/12345', 'urn:a:b'],
    invalid: ['', 'http://example.com/é', 'ab=c://should.fail.com', 'openid.example.org'],
  },
  {
    name: 'UUID',
    check: isUuid,
    valid: ['fd41c918-b88b-4b20-a0a5-a4c32391aaa0', 'FD41C918-B88B-4B20-A0A5-A4C32391AAA0', '12345678-1234-5678-1234-567812345678', '00000000-0000-0000-0000-000000000000'],
    invalid: [
      '', 'fd41c918-b88b-4b20-a0a5-a4c32391aaa', 'fd41c918-b88b-4b20-a0a5-a4c32391aaa00', 'gd41c918-b88b-4b20-a0a5-a4c32391aaa0', 'fd41c918b88b4b20a0a5a4c32391aaa0',
      '{fd41c918-b88b-4b20-a0a5-a4c32391aaa0}', 'urn:uuid:fd41c918-b88b-4b20-a0a5-a4c32391aaa0', 'fd41c918-b88b-4b20-a0a5-a4c32391aaa0\n',
    ],
  },
  {
    name: 'mailto IRI',
    check: isMailtoIri,
    valid: ['mailto:a@b', 'mailto:xapi@adlnet.gov', "mailto:o'neil+tag/x=y@sub.example-x.com", 'mailto:jürgen@exämple.de', 'mailto:a..b@docomo.example', 'mailto:a%40b@c.d', 'mailto:{x}@y.z'],
    invalid: [
      '', 'a@b.c', 'mailto:', 'mailto:@', 'mailto:a@', 'mailto:@b', 'mailto:should.fail.com', 'http://should.fail.com', 'Mailto:a@b.c', 'mailto:a@b.c?subject=x',
      'mailto:a@b.c,d@e.f', 'mailto:a b@c.d', 'mailto:a@b@c', 'mailto:a@b..c', 'mailto:a@.b', 'mailto:a@b.', 'mailto:a@b c', 'mailto:<a@b.c>', 'mailto:a@b.c\n',
      'mailto:a\ud800@b.c', 'mailto:a@b\udc00', `mailto:${'a'.repeat(megabyte)}`, `mailto:a@${'b.'.repeat(500_000)}`,
    ],
  },
  {
    name: 'SHA-1',
    check: isSha1Sum,
    valid: ['ebd31e95054c018b10727ccffd2ef2ec3a016ee9', 'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'],
    invalid: ['', 'ebd31e95054c018b10727ccffd2ef2ec3a016ee', 'ebd31e95054c018b10727ccffd2ef2ec3a016ee9a', 'gbd31e95054c018b10727ccffd2ef2ec3a016ee9'],
  },
  {
    name: 'SHA-2',
    check: isSha2,
    valid: ['a'.repeat(56), 'a'.repeat(64), 'B'.repeat(96), '0'.repeat(128)],
    invalid: ['', 'a'.repeat(63), 'a'.repeat(40), 'g'.repeat(64), 'a'.repeat(129)],
  },
  {
    name: 'media type',
    check: isMediaType,
    valid: ['text/plain', 'text/plain; charset=ascii', 'application/vnd.api+json', 'multipart/mixed; boundary="a b"', 'text/plain;'],
    invalid: ['', 'text', 'text/', '/plain', 'text/plain/x', 'text plain', 'text/pla in', 'text/plain, a/b', 'text/plain; a\nb', 'text/plain\n', 'té/x'],
  },
  {
    name: 'language tag',
    check: isLanguageTag,
    valid: [
      'en', 'en-US', 'EN-us', 'tlh', 'ase', 'sr-Latn-RS', 'zh-Hans-CN', 'zh-cmn-Hans-CN', 'zh-yue', 'es-419', 'de-CH-1996', 'sl-rozaj-biske-1994', 'de-DE-u-co-phonebk', 'en-a-bbb-x-a-ccc',
      'x-whatever', 'und', 'i-klingon', 'en-GB-oed', 'sgn-BE-FR', 'art-lojban', 'zh-min-nan', 'qaa-Qaaa-QM-x-southern', 'abcd', 'abcdefgh', 'en-x-a-a',
      'en-a-aaaaa-aaaaa',
    ],
    invalid: [
      '', 'a', 'en_US', 'en-', '-en', 'en--US', 'a12345', 'something', 'en-something-AU', 'zh-something-ccc', 's-something', 'en-u', 'x', 'x-', 'x-123456789',
      'de-1996-1996', 'en-a-bb-a-cc', 'en US', 'en\n', 'é', '12', 'en-\u212a', `en${'-abcde'.repeat(100)}`, 'a'.repeat(megabyte), '__proto__',
    ],
  },
];

for (const { name, check, valid, invalid } of formats) {
  t.test(`${name}: valid`, async (t) => {
    for (const value of valid) t.equal(check(value), true, value.slice(0, 60));
  });
  t.test(`${name}: invalid`, async (t) => {
    for (const value of invalid) t.equal(check(value), false, JSON.stringify(value.slice(0, 60)));
  });
}

t.test('a verdict on a language tag stays the same when asked again', async (t) => {
  let wrong = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3000; i++) if (!isLanguageTag(`x-${i}`) || isLanguageTag(`x_${i}`)) wrong++;
  }
  t.equal(wrong, 0);
});

t.test('durations are cut to 0.01 s, never rounded', async (t) => {
  const cases: [string, string][] = [
    ['P1DT12H36M0.12567S', 'P1DT12H36M0.12S'], ['PT0.999S', 'PT0.99S'], ['PT1.5S', 'PT1.5S'], ['PT1.55S', 'PT1.55S'], ['PT1,239S', 'PT1,23S'],
    ['PT60S', 'PT60S'], ['PT1.001M', 'PT1.001M'], ['P4W', 'P4W'],
  ];
  for (const [value, expected] of cases) t.equal(truncateDuration(value), expected);
});
