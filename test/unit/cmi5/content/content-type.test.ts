import t from 'tap';
import { contentTypeOf } from '../../../../src/cmi5/content/content-type.js';

t.test('a file has the type of its ending', async (t) => {
  for (const [path, type] of [
    ['index.html', 'text/html'], ['a.b/C.HTM', 'text/html'], ['x.js', 'text/javascript'], ['x.mjs', 'text/javascript'], ['x.css', 'text/css'], ['x.json', 'application/json'], ['x.wasm', 'application/wasm'],
    ['x.svg', 'image/svg+xml'], ['x.png', 'image/png'], ['x.woff2', 'font/woff2'], ['x.mp4', 'video/mp4'], ['x.mp3', 'audio/mpeg'], ['x.vtt', 'text/vtt; charset=utf-8'], ['x.pdf', 'application/pdf'],
    ['x.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ] as const) t.equal(contentTypeOf(path), type, path);
});

t.test('what is not known is bytes', async (t) => {
  for (const path of ['LICENSE', 'a.b/c', 'x.unknown', 'x.', '.html/x', 'x.constructor', 'x.__proto__', '']) t.equal(contentTypeOf(path), 'application/octet-stream', path);
});
