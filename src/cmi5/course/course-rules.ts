import { isLanguageTag } from '../../xapi/language-tags.js';
import { finding, quoted, type Finding } from './finding.js';
import type { Outline } from './outline.js';
import { attributeOf, childNamed, type XmlElement } from './xml-element.js';

/** Decimals beyond the fourth that change the value: those which are not all 0. */
const moreThanFourDecimals = /^[+-]?\d*\.\d{4}\d*[1-9]/;

/** A mastery score has at most four decimals (cmi5 13.1.4). That it is a number from 0 to 1 is said by the XSD. */
export function judgeMasteryScores({ units }: Outline): Finding[] {
  return units.flatMap((unit) => {
    const score = attributeOf(unit, 'masteryScore');
    if (score === undefined || !moreThanFourDecimals.test(score)) return [];
    return [finding(unit, {
      rule: 'mastery-score-decimals', requirement: '4.4.0.0-1', section: 'cmi5 13.1.4',
      message: `The masteryScore ${quoted(score)} has more than four decimals.`,
      hint: 'Round the score to four decimals, such as 0.6667.',
    }, 'masteryScore')];
  });
}

/** The language of a text, where it names one, is a tag of RFC 5646 (cmi5 13.2, langstring; xAPI 1.0.3 Part Two 4.2, where titles end up). */
export function judgeLanguages({ texts }: Outline): Finding[] {
  return texts.flatMap((text) => {
    const tag = attributeOf(text, 'lang');
    if (tag === undefined || isLanguageTag(tag)) return [];
    return [finding(text, {
      rule: 'language-tag', requirement: '13.2.0.0-1', section: 'cmi5 13.2',
      message: `${quoted(tag)} is not a language tag of RFC 5646.`,
      hint: 'Use a tag such as en, en-US or zh-Hant, with hyphens; und is a language that is not known.',
    }, 'lang')];
  });
}

/** Launch parameters and entitlement key are strings (cmi5 13.1.4); the XSD would let elements stand in them. */
export function judgeStrings({ units }: Outline): Finding[] {
  return units
    .flatMap((unit) => [childNamed(unit, 'launchParameters'), childNamed(unit, 'entitlementKey')])
    .filter((element): element is XmlElement => element !== undefined && element.children.length > 0)
    .map((element) => finding(element, {
      rule: 'string-value', requirement: '4.4.0.0-1', section: 'cmi5 13.1.4',
      message: `<${element.name}> holds elements; its value is a string.`,
      hint: 'Put markup into a CDATA section, or write < as &lt;.',
    }));
}
