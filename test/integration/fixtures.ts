import { readFile, readdir } from 'node:fs/promises';

/** One file of test/fixtures/statements. */
export interface Fixture {
  /** Name of the file, without its ending: the tool in whose shape the statements are. */
  name: string;
  statements: Record<string, unknown>[];
}

/** From dist/test/integration as from test/integration: the sources' folder of the project. */
const folder = new URL('../../../test/fixtures/statements/', import.meta.url);

/** The statements under test/fixtures, which are in the shapes that real tools send. */
export async function readFixtures(): Promise<Fixture[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(files.map(async (file) => {
    const content = JSON.parse(await readFile(new URL(file, folder), 'utf8')) as Record<string, unknown> | Record<string, unknown>[];
    return { name: file.slice(0, -'.json'.length), statements: Array.isArray(content) ? content : [content] };
  }));
}
