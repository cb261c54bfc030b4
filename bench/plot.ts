/** Colours that are told apart also by those who see few of them; the first is Quipu's. */
const colours = ['#0b6e4f', '#7a7a7a', '#bdbdbd', '#c8553d', '#e0a458', '#4f6d9a', '#8e5572', '#5b8e7d'];
const font = 'font-family="system-ui, sans-serif" font-size="12"';

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!);
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start', weight = 'normal'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-weight="${weight}">${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function short(value: number): string {
  if (value >= 1e6) return `${round(value / 1e6)}M`;
  if (value >= 1e3) return `${round(value / 1e3)}k`;
  return String(Number(value.toPrecision(3)));
}

function page(width: number, height: number, content: string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font} fill="#222">\n`
    + `<rect width="${width}" height="${height}" fill="#fff"/>\n${content.join('\n')}\n</svg>\n`;
}

function legend(names: readonly string[], x: number, y: number): string[] {
  let at = x;
  return names.flatMap((name, index) => {
    const box = `<rect x="${round(at)}" y="${y - 10}" width="12" height="12" fill="${colours[index % colours.length]}"/>`;
    const label = text(at + 17, y, name);
    at += 35 + name.length * 7;
    return [box, label];
  });
}

/** Bars side by side, one group a line. */
export interface Bars {
  title: string;
  /** Names of the contenders. */
  series: readonly string[];
  /** A value for each of the series, where there is one. */
  bars: readonly { name: string; values: readonly (number | undefined)[] }[];
}

/**
 * Draws horizontal bars as SVG. The scale is logarithmic when the values are more than a hundredfold apart, since a bar would not
 * be seen otherwise; it begins at a power of ten then, and says so.
 */
export function barPlot({ title, series, bars }: Bars): string {
  const values = bars.flatMap((bar) => bar.values).filter((value): value is number => value !== undefined && Number.isFinite(value) && value > 0);
  const most = Math.max(1e-9, ...values);
  const least = Math.min(most, ...values);
  const logarithmic = most / least > 100;
  const floor = 10 ** (Math.ceil(Math.log10(least)) - 1);
  const left = 20 + 7 * Math.max(0, ...bars.map(({ name }) => name.length));
  const width = left + 640;
  const space = width - left - 70;
  const length = (value: number): number => (value <= 0 ? 0 : logarithmic ? (space * Math.log(value / floor)) / Math.log(most / floor) : (space * value) / most);
  const content = [text(10, 22, title + (logarithmic ? ' (logarithmic scale)' : ''), 'start', 'bold'), ...legend(series, 10, 46)];
  let y = 64;
  for (const { name, values: own } of bars) {
    const drawn = own.flatMap((value, index) => (value === undefined || !Number.isFinite(value) ? [] : [{ value, index }]));
    content.push(text(left - 8, y + 7 * drawn.length + 4, name, 'end'));
    for (const { value, index } of drawn) {
      const long = Math.max(1, length(value));
      content.push(`<rect x="${left}" y="${y}" width="${round(long)}" height="12" fill="${colours[index % colours.length]}"/>`, text(left + long + 5, y + 10, short(value)));
      y += 14;
    }
    y += 8;
  }
  return page(width, y + 6, content);
}

/** Lines over something that counts on, such as time or the size of a store. */
export interface Lines {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Points in rising order of x. */
  series: readonly { name: string; points: readonly { x: number; y: number }[] }[];
}

/** Draws lines as SVG; y begins at 0, x is logarithmic when it is more than a hundredfold apart. */
export function linePlot({ title, xLabel, yLabel, series }: Lines): string {
  const [width, height, left, top, right, bottom] = [760, 360, 70, 64, 20, 48];
  const points = series.flatMap((line) => line.points).filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const most = Math.max(1e-9, ...points.map(({ y }) => y));
  const first = Math.min(...points.map(({ x }) => x));
  const last = Math.max(...points.map(({ x }) => x));
  const logarithmic = first > 0 && last / first > 100;
  const share = (x: number): number => (last === first ? 0.5 : logarithmic ? Math.log(x / first) / Math.log(last / first) : (x - first) / (last - first));
  const across = (x: number): number => left + (width - left - right) * share(x);
  const down = (y: number): number => top + (height - top - bottom) * (1 - y / most);
  const content = [text(10, 22, title, 'start', 'bold'), ...legend(series.map(({ name }) => name), 10, 46)];
  for (let step = 0; step <= 4; step++) {
    const value = (most * step) / 4;
    content.push(`<line x1="${left}" x2="${width - right}" y1="${round(down(value))}" y2="${round(down(value))}" stroke="#ddd"/>`, text(left - 6, down(value) + 4, short(value), 'end'));
  }
  for (const { x } of points.length > 0 ? [{ x: first }, { x: last }] : []) content.push(text(across(x), height - bottom + 18, short(x), 'middle'));
  content.push(text((left + width - right) / 2, height - 10, xLabel, 'middle'), text(width - right, 22, yLabel, 'end'));
  for (const [index, line] of series.entries()) {
    const path = line.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)).map(({ x, y }) => `${round(across(x))},${round(down(y))}`).join(' ');
    content.push(`<polyline points="${path}" fill="none" stroke="${colours[index % colours.length]}" stroke-width="2"/>`);
  }
  return page(width, height, content);
}
