import type { ViewPage } from './service.js';

/** Formats of a view's rows. */
export const viewFormats = ['json', 'ndjson', 'csv'] as const;
export type ViewFormat = (typeof viewFormats)[number];

/** Media type of each format. */
export const viewMediaTypes: Record<ViewFormat, string> = { json: 'application/json; charset=utf-8', ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present' };

/**
 * The format that an Accept header likes best (RFC 9110 12.5.1).
 * @returns undefined when it takes none of them
 */
export function formatOf(accept: string | undefined): ViewFormat | undefined {
  if (accept === undefined || accept.trim() === '') return 'json';
  const names: Record<string, ViewFormat> = {
    'application/json': 'json', 'application/*': 'json', '*/*': 'json', 'application/x-ndjson': 'ndjson', 'application/ndjson': 'ndjson', 'text/csv': 'csv', 'text/*': 'csv',
  };
  let best: { format: ViewFormat; quality: number } | undefined;
  for (const range of accept.slice(0, 1000).split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const format = Object.hasOwn(names, type) ? names[type] : undefined;
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    if (format !== undefined && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  return best?.format;
}

/** One object a row. */
export function rowObjects({ columns, rows }: ViewPage): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
}

/** One line of JSON a row. */
export function ndjson(page: ViewPage): string {
  return rowObjects(page).map((row) => `${JSON.stringify(row)}\n`).join('');
}

/**
 * The rows with a header line (RFC 4180). Lists are written as JSON, and empty values as nothing. A text that a spreadsheet
 * would take for a formula has an apostrophe put in front.
 */
export function csv({ columns, rows }: ViewPage): string {
  return [columns.map(({ name }) => name), ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
