import { Ajv, _, type ErrorObject, type KeywordCxt, type ValidateFunction } from 'ajv';
import { isDuration } from './durations.js';
import { QuipuError } from './errors.js';
import { isIri, isUri } from './iris.js';
import { pointerToken } from './json-pointer.js';
import { isLanguageTag } from './language-tags.js';
import { isMailtoIri, isSha1Sum } from './mailboxes.js';
import { isMediaType, isSha2 } from './media-types.js';
import { sectionOf } from './sections.js';
import { findBrokenRule, type BrokenRule } from './statement-rules.js';
import { buildStatementSchema, identifiers, type RuleSchema } from './statement-schema.js';
import { parseTimestamp } from './timestamps.js';
import type { Actor, Json, Statement, XapiVersion } from './types.js';
import { isUuid } from './uuids.js';
import { isFirstLineVersion, isKnownLineVersion } from './versions.js';

const loneSurrogate = /[\ud800-\udfff]/u;

const formats: Record<string, (value: string) => boolean> = {
  iri: isIri,
  uri: isUri,
  uuid: isUuid,
  mailto: isMailtoIri,
  sha1: isSha1Sum,
  sha2: isSha2,
  duration: isDuration,
  timestamp: (value) => parseTimestamp(value) !== undefined,
  'language-tag': isLanguageTag,
  'media-type': isMediaType,
  'identifier-text': (value) => !loneSurrogate.test(value),
  'first-line-version': isFirstLineVersion,
  'known-line-version': isKnownLineVersion,
};

interface Validators {
  statement: ValidateFunction;
  actor: ValidateFunction;
}

const compiled = new Map<XapiVersion, Validators>();

/** Compiles a version's schemas when they are first needed, which takes some 50 ms. */
function validatorsOf(version: XapiVersion): Validators {
  const ready = compiled.get(version) ?? compile(version);
  compiled.set(version, ready);
  return ready;
}

/** The schemas are our own and strict mode finds their mistakes, so the meta-schema, slow to compile, is left out. */
function compile(version: XapiVersion): Validators {
  const ajv = new Ajv({ strict: true, strictRequired: false, verbose: true, allErrors: false, meta: false, validateSchema: false, formats });
  ajv.addVocabulary(['rule', 'section', 'expected']);
  ajv.addKeyword({ keyword: 'countOf', type: 'object', schemaType: 'object', code: countOf });
  ajv.addKeyword({ keyword: 'noneOf', type: 'object', schemaType: 'array', code: noneOf });
  const schema = buildStatementSchema(version);
  const statement = ajv.compile(schema);
  const actor = ajv.compile({ $ref: `${schema['$id'] as string}#/definitions/actor` });
  return { statement, actor };
}

/** Generates the check that from `min` to `max` of the named properties are there. */
function countOf(context: KeywordCxt): void {
  const { data, schema } = context;
  const { names, min, max } = schema as { names: string[]; min: number; max: number };
  const sum = names.map((name) => _`(${data}[${name}] === undefined ? 0 : 1)`).reduce((left, right) => _`${left} + ${right}`);
  const count = context.gen.const('count', sum);
  context.fail(_`${count} < ${min} || ${count} > ${max}`);
}

/** Generates the check that none of the named properties is there. */
function noneOf(context: KeywordCxt): void {
  const { data, schema } = context;
  context.fail((schema as string[]).map((name) => _`${data}[${name}] !== undefined`).reduce((left, right) => _`${left} || ${right}`));
}

/**
 * Judges one statement by every rule of its version: the compiled schema first, then the rules that span properties.
 * Values are never changed. Linear in the size of the statement.
 * @param index position in the batch, for the error
 * @returns `invalid-statement` with pointer, rule, section and what would be right, or undefined when all is well
 */
export function validateStatement(value: Json, version: XapiVersion, index?: number): QuipuError | undefined {
  const validate = validatorsOf(version).statement;
  const broken = validate(value)
    ? findBrokenRule(value as unknown as Statement, version)
    : describe((validate.errors as ErrorObject[])[0] as ErrorObject, version);
  if (broken === undefined) return undefined;
  const subject = index === undefined ? 'The statement' : `Statement ${index}`;
  return toError('invalid-statement', subject, broken, index === undefined ? {} : { statement: index });
}

/**
 * Judges the value of an `agent` parameter: an Agent or an Identified Group with exactly one identifier
 * (xAPI 1.0.3 Part Two 2.2 and 2.4.2, IEEE 9274.1.1 4.2.2.1).
 * @param parameter name of the query parameter, for the error
 * @returns `invalid-parameter`, or undefined when all is well
 */
export function validateActor(value: Json, version: XapiVersion, parameter = 'agent'): QuipuError | undefined {
  const validate = validatorsOf(version).actor;
  let broken: BrokenRule | undefined;
  if (!validate(value)) broken = describe((validate.errors as ErrorObject[])[0] as ErrorObject, version);
  else if (!identifiers.some((name) => (value as unknown as Actor)[name] !== undefined)) {
    broken = {
      pointer: '', rule: 'identified-group', section: sectionOf('group', version), fault: 'an Anonymous Group can not be looked up',
      expected: 'an Agent or Group with exactly one of mbox, mbox_sha1sum, openid and account',
    };
  }
  return broken === undefined ? undefined : toError('invalid-parameter', `The parameter "${parameter}"`, broken, { parameter });
}

function toError(code: 'invalid-statement' | 'invalid-parameter', subject: string, broken: BrokenRule, where: { statement?: number; parameter?: string }): QuipuError {
  const { pointer, rule, section, fault, expected } = broken;
  const place = pointer === '' ? '' : ` at ${excerpt(pointer)}`;
  const message = `${subject} breaks the rule ${rule} (${section})${place}: ${fault}; right would be: ${expected}.`;
  return new QuipuError(code, message, { ...where, pointer, rule, section, expected });
}

/** Turns the first error of a compiled schema into the rule it stands for. */
function describe(error: ErrorObject, version: XapiVersion): BrokenRule {
  const { keyword, instancePath, data } = error;
  const parent = error.parentSchema as RuleSchema;
  const rule = typeof parent['rule'] === 'string' ? parent['rule'] : 'data-type';
  const section = typeof parent['section'] === 'string' ? parent['section'] : sectionOf('formatting', version);
  const expected = typeof parent['expected'] === 'string' ? parent['expected'] : 'a value as the standard defines it';
  const params = error.params as { missingProperty?: string; additionalProperty?: string };
  const formatting = sectionOf('formatting', version);

  if (keyword === 'required') {
    const name = params.missingProperty ?? '';
    return { pointer: instancePath, rule: `${rule}-required`, section, fault: `the property "${name}" is missing`, expected };
  }
  if (keyword === 'additionalProperties') {
    const name = params.additionalProperty ?? '';
    const known = Object.keys(parent['properties'] as RuleSchema);
    const meant = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    return {
      pointer: instancePath + pointerToken(name), rule: 'unknown-property', section: formatting, fault: `the property ${excerpt(name)} is not one of the standard here`,
      expected: meant === undefined ? `only ${known.join(', ')}` : `"${meant}", spelled so`,
    };
  }
  if (error.propertyName !== undefined) {
    return { pointer: instancePath + pointerToken(error.propertyName), rule, section, fault: `the key ${excerpt(error.propertyName)} is not allowed`, expected };
  }
  if (data === null) return { pointer: instancePath, rule: 'no-null', section: formatting, fault: 'null stands outside of extensions', expected };
  return { pointer: instancePath, rule, section, fault: faultOf(keyword, data, parent), expected };
}

function faultOf(keyword: string, data: unknown, parent: RuleSchema): string {
  if (keyword === 'not') return 'the property is not allowed here';
  if (keyword === 'minItems' || keyword === 'maxItems') return `the array has ${(data as unknown[]).length} items`;
  if (keyword === 'countOf') {
    const { names } = parent['countOf'] as { names: string[] };
    const present = names.filter((name) => (data as Record<string, unknown>)[name] !== undefined);
    return present.length === 0 ? `none of ${names.join(', ')} is there` : `${present.join(' and ')} ${present.length === 1 ? 'is' : 'are'} there`;
  }
  if (keyword === 'noneOf') return 'it has the properties of an actor but no objectType, which makes it an Activity';
  if (keyword === 'type') return `it is ${typeName(data)}`;
  return `${excerpt(data)} is not allowed`;
}

function typeName(data: unknown): string {
  if (Array.isArray(data)) return 'an array';
  return typeof data === 'object' ? 'an object' : `a ${typeof data}`;
}

/** A value for a message, cut to a length that suits one. */
function excerpt(data: unknown): string {
  if (typeof data === 'string') return JSON.stringify(data.length > 80 ? `${data.slice(0, 80)}…` : data);
  return typeof data === 'number' || typeof data === 'boolean' ? String(data) : typeName(data);
}
