import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readProjectFile, root } from '../docs/project-files.js';

t.test('what the program reads from src at run time is in the package and in the image', async (t) => {
  const { files } = JSON.parse(readProjectFile('package.json')) as { files: string[] };
  const image = readProjectFile('Dockerfile');
  const folders = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(ts|md)$/.test(entry.name))
    .map((entry) => entry.parentPath.slice(root.length).replace(/^\/+/, ''));
  t.ok(folders.length > 0);
  for (const folder of new Set(folders)) {
    t.ok(files.includes(folder), `${folder} is among the files of package.json`);
    t.match(image, `COPY --from=build /quipu/${folder} ${folder}\n`, `${folder} is copied into the image`);
  }
  t.ok(readFileSync(join(root, 'LICENSE'), 'utf8').includes('Apache License'));
});
