import { eachItem, eachMember, membersAt, skipValue, stringAt, type Member } from './json-members.js';

/** Where an Agent or Group, an Activity or a Verb stands in the text of a statement. */
export interface Place {
  kind: 'actor' | 'activity' | 'verb';
  /** Offset of its opening brace. */
  at: number;
  /** Offset after its closing brace. */
  end: number;
  members: Member[];
  /** An Activity that stands where the standard has an array of them (xAPI 1.0.3 Part Two 2.4.6.2). */
  alone: boolean;
}

/** The text of a statement, and the places of all that it names, in their order. They don't overlap: what is in a Group has none. */
export interface PlacedText {
  text: string;
  places: Place[];
}

/**
 * Finds what a statement names without building values.
 * @param text JSON of a valid statement
 */
export function placesIn(text: string): PlacedText {
  const places: Place[] = [];
  readStatement(text, text.indexOf('{'), places);
  return { text, places };
}

/** These and all below note what is at an offset, and give the offset after it. */
function readStatement(text: string, at: number, places: Place[]): number {
  return eachMember(text, at, (key, value) => {
    switch (key) {
      case 'actor':
      case 'authority':
        return readThing('actor', text, value, places);
      case 'verb':
        return readThing('verb', text, value, places);
      case 'object':
        return readObject(text, value, places);
      case 'context':
        return readContext(text, value, places);
      default:
        return skipValue(text, value);
    }
  });
}

function readThing(kind: Place['kind'], text: string, at: number, places: Place[], alone = false): number {
  const { members, end } = membersAt(text, at);
  places.push({ kind, at, end, members, alone });
  return end;
}

/** Its type may come last, so that a statement inside the statement is read a second time. */
function readObject(text: string, at: number, places: Place[]): number {
  const { members, end } = membersAt(text, at);
  const type = members.find(({ key }) => key === 'objectType');
  switch (type && stringAt(text, type.at, type.end)) {
    case undefined:
    case 'Activity':
      places.push({ kind: 'activity', at, end, members, alone: false });
      break;
    case 'Agent':
    case 'Group':
      places.push({ kind: 'actor', at, end, members, alone: false });
      break;
    case 'SubStatement':
      readStatement(text, at, places);
      break;
  }
  return end;
}

function readContext(text: string, at: number, places: Place[]): number {
  return eachMember(text, at, (key, value) => {
    switch (key) {
      case 'instructor':
      case 'team':
        return readThing('actor', text, value, places);
      case 'contextAgents':
        return eachItem(text, value, (entry) => readEntry('agent', text, entry, places));
      case 'contextGroups':
        return eachItem(text, value, (entry) => readEntry('group', text, entry, places));
      case 'contextActivities':
        return readContextActivities(text, value, places);
      default:
        return skipValue(text, value);
    }
  });
}

function readEntry(of: 'agent' | 'group', text: string, at: number, places: Place[]): number {
  return eachMember(text, at, (key, value) => (key === of ? readThing('actor', text, value, places) : skipValue(text, value)));
}

function readContextActivities(text: string, at: number, places: Place[]): number {
  return eachMember(text, at, (_kind, value) => (
    text[value] === '[' ? eachItem(text, value, (item) => readThing('activity', text, item, places)) : readThing('activity', text, value, places, true)
  ));
}
