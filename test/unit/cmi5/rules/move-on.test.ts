import t from 'tap';
import { moveOnValues, type MoveOn } from '../../../../src/cmi5/course/structure.js';
import { explain, newlySatisfied, unitMet } from '../../../../src/cmi5/rules/move-on.js';
import type { RegistrationState, UnitState } from '../../../../src/cmi5/rules/state.js';
import { outlineFor, type Shape } from './courses.js';

const short = (node: string): string => node.slice('https://lrs.example/'.length);
const au = (index: number): string => `https://lrs.example/au${index}`;

function stateWith(units: Record<number, UnitState>, satisfied: Record<string, string> = {}): RegistrationState {
  return { units: Object.fromEntries(Object.entries(units).map(([index, unit]) => [au(Number(index)), unit])), satisfied };
}

function satisfied(shape: Shape, units: Record<number, UnitState> = {}, said: Record<string, string> = {}): string[] {
  return newlySatisfied(outlineFor(shape), stateWith(units, said)).map(({ node }) => short(node));
}

void t.test('the five values of moveOn, by what holds', (t) => {
  const rows: [UnitState | undefined, MoveOn[]][] = [
    [undefined, ['NotApplicable']],
    [{}, ['NotApplicable']],
    [{ failed: 'f' }, ['NotApplicable']],
    [{ completed: 'c' }, ['Completed', 'CompletedOrPassed', 'NotApplicable']],
    [{ passed: 'p' }, ['Passed', 'CompletedOrPassed', 'NotApplicable']],
    [{ completed: 'c', failed: 'f' }, ['Completed', 'CompletedOrPassed', 'NotApplicable']],
    [{ completed: 'c', passed: 'p' }, [...moveOnValues]],
    [{ waived: 'w' }, [...moveOnValues]],
  ];
  for (const [unit, wanted] of rows) t.strictSame(new Set(moveOnValues.filter((value) => unitMet(value, unit))), new Set(wanted), JSON.stringify(unit));
  t.end();
});

void t.test('what becomes satisfied, and in which order', (t) => {
  t.same(satisfied(['Passed']), []);
  t.same(satisfied(['NotApplicable']), ['course'], 'at registration');
  t.same(satisfied([['NotApplicable'], 'Passed']), ['block0'], 'a block without its course');
  t.same(satisfied([['Passed'], 'NotApplicable'], { 0: { passed: 'p' } }), ['block0', 'course'], 'a block before its course');
  t.same(satisfied([[['Passed'], 'NotApplicable'], [['NotApplicable']]], { 0: { passed: 'p' } }), ['block1', 'block0', 'block3', 'block2', 'course'], 'the inner before the outer');
  t.same(satisfied([['Passed', 'Completed']], { 0: { passed: 'p' } }), [], 'all AUs of a block');
  t.same(satisfied([['Passed', 'Completed']], { 0: { passed: 'p' }, 1: { waived: 'w' } }), ['block0', 'course'], 'one of them waived');
  t.same(satisfied([['Passed']], { 0: { passed: 'p' } }, { 'https://lrs.example/block0': 'x' }), ['course'], 'each once');
  t.same(satisfied([['Passed']], { 0: { passed: 'p' } }, { 'https://lrs.example/block0': 'x', 'https://lrs.example/course': 'y' }), []);
  t.same(satisfied([]), ['course'], 'an empty course asks for nothing');
  t.same(satisfied([[], 'Passed']), ['block0'], 'nor does an empty block');
  t.same(satisfied([['Passed']], {}, { 'https://lrs.example/block0': 'x' }), [], 'what an earlier version of a block came to does not satisfy its course');
  t.end();
});

void t.test('a course of 1000 AUs in blocks 50 deep, and one as deep as it has AUs', (t) => {
  const nest = (depth: number): Shape => (depth === 0 ? Array.from({ length: 20 }, () => 'Completed' as const) : [...Array.from({ length: 20 }, () => 'Completed' as const), nest(depth - 1)]);
  const outline = outlineFor(nest(49));
  t.equal(outline.units.length, 1000);
  const all = Object.fromEntries(outline.units.map(({ index }) => [index, { completed: `c${index}` }]));
  const { 999: innermost, ...others } = all;
  t.same(newlySatisfied(outline, stateWith(others)), [], 'the innermost is missing');
  t.ok(innermost);
  const nodes = newlySatisfied(outline, stateWith(all)).map(({ node }) => short(node));
  t.same(nodes, [...Array.from({ length: 49 }, (_, index) => `block${48 - index}`), 'course'], 'from the inside out');
  const status = explain(outline, stateWith(others));
  t.same(status.missing, ['block urn:block:0']);
  let inner = status;
  for (let depth = 0; depth < 49; depth++) inner = inner.children!.at(-1)!;
  t.same(inner.missing, ['AU urn:au:999']);
  t.end();
});

void t.test('a random course comes out as counting each group for itself', (t) => {
  let seed = 7;
  const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const shape = (depth: number): Shape => Array.from({ length: 1 + Math.floor(random() * 3) }, () => (depth > 0 && random() < 0.5 ? shape(depth - 1) : moveOnValues[Math.floor(random() * 5)]!));
  let found = 0;
  for (let run = 0; run < 200; run++) {
    const outline = outlineFor(shape(4));
    const units = Object.fromEntries(outline.units.flatMap(({ index }) => (random() < 0.8 ? [[index, { ...(random() < 0.7 ? { completed: 'c' } : {}), ...(random() < 0.7 ? { passed: 'p' } : {}), ...(random() < 0.1 ? { waived: 'w' } : {}) }]] : [])));
    const state = stateWith(units);
    const inside = (group: (typeof outline.groups)[number]): boolean => group.children.every((child) => (child.kind === 'au' ? unitMet(child.moveOn, state.units[child.node]) : inside(child)));
    const nodes = newlySatisfied(outline, state);
    t.strictSame(new Set(nodes.map(({ node }) => node)), new Set(outline.groups.filter(inside).map(({ node }) => node)));
    for (const [at, group] of nodes.entries()) for (const child of group.children) if (child.kind !== 'au') t.ok(nodes.indexOf(child) < at);
    found += nodes.length;
  }
  t.ok(found > 100);
  t.end();
});

void t.test('why, and what is missing', (t) => {
  const outline = outlineFor([['Passed', 'CompletedAndPassed'], 'CompletedOrPassed', 'NotApplicable', ['Completed']]);
  const state = stateWith({ 0: { passed: 'p0', completed: 'c0', score: 0.9 }, 1: { completed: 'c1', failed: 'f1', score: 0.2 }, 4: { waived: 'w4' } }, { 'https://lrs.example/block1': 's1' });
  const status = explain(outline, state);
  t.match(status, {
    kind: 'course', publisherId: 'urn:course', title: [{ lang: 'en', text: 'Course' }], satisfied: false, requires: 'that everything in the course is satisfied', decidedBy: ['s1'], missing: ['block urn:block:0', 'AU urn:au:2'],
    children: [
      { kind: 'block', satisfied: false, missing: ['AU urn:au:1'], decidedBy: ['p0'], children: [
        { kind: 'au', index: 0, title: [{ text: 'AU 0' }], moveOn: 'Passed', satisfied: true, decidedBy: ['p0'], missing: [], holds: { passed: 'p0', completed: 'c0', score: 0.9 } },
        { kind: 'au', index: 1, moveOn: 'CompletedAndPassed', satisfied: false, decidedBy: [], missing: ['a statement passed of the AU; the last judgement was failed with a score of 0.2 (f1)'] },
      ] },
      { kind: 'au', index: 2, satisfied: false, missing: ['a statement completed or a statement passed of the AU'], holds: {} },
      { kind: 'au', index: 3, satisfied: true, requires: 'nothing (moveOn is NotApplicable)', decidedBy: [] },
      { kind: 'block', satisfied: true, statement: 's1', missing: [], children: [{ satisfied: true, decidedBy: ['w4'] }] },
    ],
  });
  t.match(explain(outlineFor(['Completed']), stateWith({}, { 'https://lrs.example/course': 's' })), { satisfied: true, statement: 's', missing: ['AU urn:au:0'] }, 'satisfied by an earlier version');
  t.match(explain(outlineFor([]), stateWith({}, { 'https://lrs.example/course': 's' })), { satisfied: true, requires: 'nothing: there is no AU in the course', children: [] });
  t.match(explain(outlineFor(['CompletedAndPassed']), stateWith({ 0: { completed: 'c', waived: 'w' } })).children![0]!, { satisfied: true, decidedBy: ['w'] }, 'the waiver decided');
  t.match(explain(outlineFor(['CompletedOrPassed']), stateWith({ 0: { completed: 'c', passed: 'p', waived: 'w' } })).children![0]!, { decidedBy: ['c', 'p'] });
  t.end();
});
