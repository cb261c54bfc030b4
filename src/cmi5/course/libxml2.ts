import { readFile } from 'node:fs/promises';
import type * as Functions from 'libxml2-wasm/lib/libxml2.mjs';

/** Address of something in the memory of libxml2; 0 is none. */
export type Pointer = number;

/** The functions of libxml2 itself, with one that its declarations leave out. */
type LibXml2Functions = typeof Functions & { addFunction(callback: (data: Pointer, error: Pointer) => void, signature: string): Pointer };

/** libxml2 and what is made once for all documents. */
export interface LibXml2 {
  functions: LibXml2Functions;
  /** The parsed CourseStructure.xsd. It is compiled for each validation, which takes under a millisecond, so that no document can alter what the next one is held against. */
  schemaDocument: Pointer;
  /** Runs `work`, handing each error that libxml2 reports meanwhile to `report`. Callbacks take `handler`. */
  watch<Result>(report: (error: Pointer) => void, work: (handler: Pointer) => Result): Result;
}

/** XML_PARSE_NONET, _NOCDATA, _IGNORE_ENC, _NO_XXE, _NO_SYS_CATALOG of libxml2: nothing is loaded, CDATA is text, and the text is UTF-8 whatever it declares. Entities, XInclude and huge texts stay off, as no option asks for them. */
export const parseOptions = 2048 | 16384 | 2_097_152 | 8_388_608 | 33_554_432;

let loaded: Promise<LibXml2> | undefined;

/** libxml2, loaded when first asked for: it takes some 60 ms and 20 MB that a server without cmi5 does without. */
export function loadLibXml2(): Promise<LibXml2> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<LibXml2> {
  const functions = await import('libxml2-wasm/lib/libxml2.mjs') as unknown as LibXml2Functions;
  // The compiler leaves the XSD where it is.
  const xsd = await readFile(new URL('../../../../src/cmi5/course/CourseStructure.xsd', import.meta.url));
  let report: ((error: Pointer) => void) | undefined;
  const handler = functions.addFunction((_data, error) => report?.(error), 'vii');
  const watch: LibXml2['watch'] = (next, work) => {
    report = next;
    try {
      return work(handler);
    } finally {
      report = undefined;
    }
  };
  const context = functions.xmlNewParserCtxt();
  const schemaDocument = functions.xmlReadMemory(context, xsd, null, null, parseOptions);
  functions.xmlFreeParserCtxt(context);
  return { functions, schemaDocument, watch };
}
