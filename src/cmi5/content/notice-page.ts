/** What a page tells a learner. */
export interface Notice {
  title: string;
  /** Sentences. */
  text: string;
  /** Where to go from here; shown when it is an http or https address. */
  next?: { url: string; label: string };
  /** Small print, for whoever is asked for help. */
  detail: string;
}

/** The headers of such a page: it runs nothing and loads nothing. */
export const noticeHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
} as const;

const style = `:root{--ink:#1d2433;--soft:#5d6880;--line:#dfe3ec;--paper:#fff;--ground:#f4f6fa;--thread:#b5482a}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf2;--soft:#9aa5bb;--line:#333c4f;--paper:#1c2230;--ground:#12161f;--thread:#e2805f}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);font:16px/1.6 system-ui,sans-serif}
main{box-sizing:border-box;width:min(32rem,calc(100% - 2rem));margin:1rem;padding:2rem;background:var(--paper);border:1px solid var(--line);border-top:3px solid var(--thread);border-radius:12px}
h1{margin:0 0 .6rem;font-size:1.35rem;line-height:1.3}p{margin:0 0 1rem}small{color:var(--soft);overflow-wrap:anywhere}
a{display:inline-block;padding:.45rem 1rem;border-radius:6px;background:var(--thread);color:var(--paper);text-decoration:none}a:focus-visible{outline:3px solid var(--ink);outline-offset:2px}`;

/** A page of its own for whoever followed an address that leads nowhere, or nowhere any more. */
export function noticePage({ title, text, next, detail }: Notice): string {
  const link = next && /^https?:\/\//i.test(next.url) ? `<p><a href="${escaped(next.url)}">${escaped(next.label)}</a></p>\n` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>
${link}<small>${escaped(detail)}</small>
</main>
</body>
</html>
`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
