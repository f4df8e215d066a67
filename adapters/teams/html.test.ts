import { describe, expect, it } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { readHtml } from './html.ts'

describe('text of a message', () => {
  const cases: [what: string, html: string, markdown: string][] = [
    ['paragraphs', '<p>One</p><p>Two</p>', 'One\n\nTwo'],
    ['old clients’ lines', '<div>One</div><div>&nbsp;</div><div>Two</div>', 'One\n\nTwo'],
    [
      'bold, italic, a link',
      '<div><b>bold</b> and <em>not</em> &amp; <a href="https://x.org">there</a></div>',
      '**bold** and _not_ & [there](https://x.org)',
    ],
    ['spaces in bold', '<p>a<b> bold </b>c</p>', 'a **bold** c'],
    ['nothing in bold', '<p>a<b></b><i> </i>c</p>', 'a c'],
    ['a link by its address', '<a href="https://x.org/a">https://x.org/a</a>', 'https://x.org/a'],
    ['a link with parentheses', '<a href="https://x.org/a_(b)">that</a>', '[that](https://x.org/a_%28b%29)'],
    ['a script as a link', '<a href="javascript:alert(1)">here</a>', 'here'],
    ['a line break', 'a<br>b', 'a\nb'],
    ['a rule', '<p>a</p><hr><p>b</p>', 'a\n\n---\n\nb'],
    ['a quote', '<blockquote>said</blockquote><p>so</p>', '> said\n\nso'],
    ['a quote without an end', '<blockquote>never closed', '> never closed'],
    ['powers', '<p>How much is 10<sup>6</sup>?</p>', 'How much is 10^6?'],
    ['indices', '<p>H<sub>2</sub>O, x<sup>n+1</sup></p>', 'H_2O, x^(n+1)'],
    ['emoji as pictures', '<img itemtype="http://schema.skype.com/Emoji" alt="😀">', '😀'],
    ['emoji of Graph', '<p>ok <emoji id="smile" alt="😄" title="Smile"></emoji></p>', 'ok 😄'],
    [
      'emoji of the organization',
      '<p><customemoji id="x" alt="party_parrot" source="y"></customemoji>!</p>',
      ':party_parrot:!',
    ],
    ['entities', '<p>1 &lt; 2 &#x1F600; 5&euro; &eacute; &rarr; &hellip; &unknown;</p>', '1 < 2 😀 5€ é → … &unknown;'],
    ['styles and scripts', '<style>p{}</style><title>t</title><script>x()</script><p>a</p>', 'a'],
    ['unknown elements', '<card>One</card><card>Two</card>', 'One\n\nTwo'],
    ['words with inner elements', '<p>un<u>believ</u><font color="red">able</font></p>', 'unbelievable'],
    [
      'an animation',
      '<img itemtype="http://schema.skype.com/Giphy" src="https://media.giphy.com/x" alt="Yes (GIF)">',
      '[Yes (GIF)]',
    ],
  ]
  it.for(cases)('%s', ([, from, to]) => {
    expect(readHtml(from).text).toBe(to)
  })
})

describe('lists', () => {
  const cases: [what: string, html: string, markdown: string][] = [
    ['in lists', '<ul><li>a</li><li><p>b</p><ol><li>c</li></ol></li></ul>', '- a\n- b\n  1. c'],
    [
      'with two paragraphs in an item',
      '<ul><li><p>First line</p><p>Second line</p></li><li>Other</li></ul>',
      '- First line\n  Second line\n- Other',
    ],
    ['that begin elsewhere', '<ol start="3"><li>a</li><li>b<ul><li>c</li></ul></li></ol>', '3. a\n4. b\n   - c'],
    ['with numbers of their own', '<ol><li value="7">a</li><li>b</li></ol>', '7. a\n8. b'],
    ['without end tags', '<ul><li>a<li>b</ul>c', '- a\n- b\n\nc'],
    ['with code', '<ul><li>x<pre>q\n w</pre></li></ul>', '- x\n  ```\n  q\n   w\n  ```'],
  ]
  it.for(cases)('%s', ([, from, to]) => {
    expect(readHtml(from).text).toBe(to)
  })
})

describe('code', () => {
  const cases: [what: string, html: string, markdown: string][] = [
    [
      'keeps its lines and its language',
      '<pre class="language-ts"><code>if (a &lt; b) {\n\n\n  go()\n}</code></pre>',
      '```ts\nif (a < b) {\n\n\n  go()\n}\n```',
    ],
    [
      'of Graph',
      '<codeblock class="Json"><code>{<br>&nbsp; "a": 1<br>}</code></codeblock>',
      '```json\n{\n  "a": 1\n}\n```',
    ],
    ['with a fence in it', '<pre>```\nx\n```</pre>', '````\n```\nx\n```\n````'],
    ['in a line', '<p>Use <code>a_b</code> or <code>`</code></p>', 'Use `a_b` or `` ` ``'],
  ]
  it.for(cases)('%s', ([, from, to]) => {
    expect(readHtml(from).text).toBe(to)
  })
})

describe('tables', () => {
  const row = (...cells: string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  const cases: [what: string, html: string, markdown: string][] = [
    [
      'whose cells have paragraphs',
      `<p>Check this</p><table itemprop="copy-paste-table"><tbody>${row('<p>Item</p>', '<p>Price</p>')}${row('<p>Pen</p>', '<p>2</p>')}</tbody></table>`,
      'Check this\n\n| Item | Price |\n| --- | --- |\n| Pen | 2 |',
    ],
    [
      'with empty cells',
      `<table>${row('A', 'B', 'C')}${row('', '&nbsp;', '3')}${row('1')}</table>`,
      '| A | B | C |\n| --- | --- | --- |\n|  |  | 3 |\n| 1 |  |  |',
    ],
    [
      'with merged cells',
      '<table><tr><th rowspan="2">Region</th><th colspan="2">2025</th></tr><tr><th>May</th><th>June</th></tr><tr><td>North</td><td>4</td><td>5</td></tr></table>after',
      '| Region | 2025 |  |\n| --- | --- | --- |\n|  | May | June |\n| North | 4 | 5 |\n\nafter',
    ],
    [
      'with lists, breaks and pipes in cells',
      `<table>${row('<ul><li>a</li><li>b</li></ul>', 'x|y')}${row('1<br>2', '<b>z</b>')}</table>`,
      '| - a - b | x\\|y |\n| --- | --- |\n| 1 2 | **z** |',
    ],
    [
      'in tables',
      `<table>${row(`<table>${row('1', '2')}</table>`, 'z')}${row('a', 'b')}</table>`,
      '| 1, 2 | z |\n| --- | --- |\n| a | b |',
    ],
    [
      'of one column, which are a layout',
      `<table>${row('<p>Dear all,</p><p>see you.</p>')}</table>`,
      'Dear all,\n\nsee you.',
    ],
    ['without cells', '<table><tr></tr></table>x', 'x'],
  ]
  it.for(cases)('%s', ([, from, to]) => {
    expect(readHtml(from).text).toBe(to)
  })
})

describe('beside its text', () => {
  it('a reply has who is quoted, and the quote is no part of the text', () => {
    const html =
      '<blockquote itemscope itemtype="http://schema.skype.com/Reply" itemid="17"><strong itemprop="mri" itemid="8:orgid:bob-id">Bob</strong><span itemprop="time" itemid="17"></span><p itemprop="preview">the blue one?</p></blockquote><p>yes that one</p>'
    expect(readHtml(html)).toMatchObject({
      text: 'yes that one',
      quotes: [{ kind: 'reply', text: 'the blue one?', by: 'Bob', byId: '8:orgid:bob-id', messageId: '17' }],
    })
  })

  it('a forward has its content, with code and tables', () => {
    const html =
      '<p></p><blockquote itemscope itemtype="http://schema.skype.com/Forward" itemid="99"><p>Quarter closes <b>on Friday</b></p><pre>x</pre></blockquote>'
    expect(readHtml(html)).toMatchObject({
      text: '',
      quotes: [{ kind: 'forward', text: 'Quarter closes **on Friday**\n\n```\nx\n```' }],
    })
  })

  it('pictures have the name that their alternative text gives', () => {
    const html =
      '<p>see <img src="https://graph.microsoft.com/1" alt="screen"> <img src="https://graph.microsoft.com/2" alt="image"></p>'
    expect(readHtml(html)).toMatchObject({
      text: 'see [screen]',
      pictures: [{ url: 'https://graph.microsoft.com/1', name: 'screen' }, { url: 'https://graph.microsoft.com/2' }],
    })
  })

  it('mentions and placed attachments are named', () => {
    const html = '<p><at id="0">Ann &amp; Bob</at> see <attachment id="f-1"></attachment></p>'
    expect(readHtml(html)).toMatchObject({ text: '<at>Ann & Bob</at> see', mentions: ['Ann & Bob'], placed: ['f-1'] })
  })
})

it('hostile nesting and endless tables are read within a moment', () => {
  const ms = cpuTimeOf(() => {
    for (const piece of ['<b>', '<blockquote>', '<li>', '<td>', '<ul><li>', '<table><tr><td>', '<pre>', '```<br>'])
      readHtml(`${piece.repeat(100_000)}end`)
    readHtml(`<table><tr><td colspan="999999" rowspan="999999">a</table>`)
  })
  expect(ms).toBeLessThan(20_000)
})
