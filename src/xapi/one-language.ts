import { interactionComponentLists } from './activity-definitions.js';
import { eachItem, eachMember, membersAt, skipValue } from './json-members.js';
import { chooseLanguage } from './language-choice.js';
import type { LanguageMap } from './types.js';

/**
 * A definition with one entry in each of its language maps, those of interaction components included (xAPI 1.0.3 Part Three
 * 2.1.3, Language Filtering Requirements). Takes and gives JSON; all else stays as it is written.
 */
export function definitionInOneLanguage(text: string, acceptLanguage: string | undefined): string {
  return inOneLanguage(text, acceptLanguage, readDefinition);
}

/** A language map with one entry, JSON as in `definitionInOneLanguage`. */
export function mapInOneLanguage(text: string, acceptLanguage: string | undefined): string {
  return inOneLanguage(text, acceptLanguage, (at, found) => found(at));
}

/** Hands over the offset of each language map in the value at an offset; gives the offset after the value, as `found` does after the map. */
type LanguageMapReader = (at: number, found: (at: number) => number, text: string) => number;

const componentLists: ReadonlySet<string> = new Set(interactionComponentLists);

const readDefinition: LanguageMapReader = (at, found, text) => eachMember(text, at, (key, value) => {
  if (key === 'name' || key === 'description') return found(value);
  return componentLists.has(key) ? eachItem(text, value, (item) => readComponent(item, found, text)) : skipValue(text, value);
});

const readComponent: LanguageMapReader = (at, found, text) => (
  eachMember(text, at, (key, value) => (key === 'description' ? found(value) : skipValue(text, value)))
);

function inOneLanguage(text: string, acceptLanguage: string | undefined, read: LanguageMapReader): string {
  let rewritten = '';
  let from = 0;
  read(0, (at) => {
    const { members, end } = membersAt(text, at);
    if (members.length > 1) {
      rewritten += text.slice(from, at) + JSON.stringify(chooseLanguage(JSON.parse(text.slice(at, end)) as LanguageMap, acceptLanguage));
      from = end;
    }
    return end;
  }, text);
  return rewritten + text.slice(from);
}
