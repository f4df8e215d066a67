import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentenceEndsBefore, sentenceSpans } from './sentences.ts'

const sentences = (text: string) => sentenceSpans(text).map(({ from, to }) => text.slice(from, to))

describe('sentences', () => {
  // A bar stands where a sentence ends.
  it.each([
    // English
    'The fee (cf. Art. 5) is 4.5 %.| It is due on 1 March.',
    'See Fig. 3 and Sec. 2.1 for details.| Then go on.',
    'Dr. Miller met Mr. J. R. Smith at 5 p.m. on Monday.| They talked.',
    'It opens at 9 a.m. and closes late.',
    'Bring pens, paper, etc. to the exam.| Bring water, etc.| Nothing else is allowed.',
    'Acme Inc. was founded in 1990.| It sells, e.g., pumps (i.e. machines).',
    'The U.S. Army is there.| It was founded in 1775.',
    'He said: “Really?” and left.| “No!” she said.| Well… maybe.| Wait...| What?!| Go!',
    'So do I.| Then we went.',
    'See example.com/a.b or v2.1.3 for more.| The end.',
    'Version 2.5 costs $1.50.| That is 42.| Nothing more.',
    'Smith et al. found this in 2020.| Others did not.',
    'St. John lives on No. 5, vol. 2.| He said no.| Then he left.',
    'The claim stands. [1]| The next one follows.[2]| The third does not.',
    // German
    'Die Sitzung ist am 3. März 2024 um 10 Uhr.| Danach gibt es Kaffee.',
    'Im 2. Quartal stieg der Umsatz, z. B. in Köln.| Das war gut.',
    'Das gilt z.B. nach § 5 Abs. 2 Nr. 3 BGB.| Näheres regelt Art. 12.',
    'Vgl. hierzu Prof. Dr. Müller, S. 12 ff. und öfter.| Es gilt deutsches Recht.',
    'Der Preis ist ca. 5 Mio. Euro inkl. MwSt.| Er gilt bis zum 31. Dezember.',
    'Er wohnt im 1. Stock bzw. im Keller usw. und so fort.| Schluss.',
    // French
    'M. Dupont et Mme. Martin (cf. p. 12) sont là, env. 20 personnes.| Ils partent.',
    'Voir art. 3, al. 2 du code.| « C’est fini ! »| Merci.',
    'J.-P. Martin est venu.| Il est parti.',
    // Spanish, Italian, Portuguese
    'El Sr. García vive en la pág. 5, núm. 3.| ¿Dónde está la Dra. López?| ¡Aquí!',
    'Il sig. Rossi e la dott.ssa Bianchi (cfr. pag. 4) sono qui.| Arrivederci.',
    'O Sr. Silva e a Profa. Costa leram o cap. 3.| Muito bem.',
    // Without spaces
    '今日は晴れです。|明日は雨でしょう。|「はい！」|と言いました。',
    '第五条 付款。|甲方应在收到发票后三十日内付款。|价格是4.5元！|真的？',
    // Arabic, Urdu, Hindi
    'هل هذا صحيح؟| نعم، هذا صحيح.| انتهى.',
    'یہ ایک جملہ ہے۔| یہ دوسرا ہے۔',
    'यह पहला है।| यह दूसरा है।',
    // Small letters throughout, as in a chat
    'it works now.| we can go on.| ok.',
  ])('%s', (marked) => {
    const wanted = marked.split('|').map((sentence) => sentence.trim())
    expect(sentences(marked.replaceAll('|', ''))).toEqual(wanted)
  })

  it('go over a line break, and end at a blank line and before a list item', () => {
    expect(sentences('One sentence\nin two lines. Next\n\nA heading\n\n- an item\n- another one\n1. first')).toEqual([
      'One sentence\nin two lines.',
      'Next',
      'A heading',
      '- an item',
      '- another one',
      '1. first',
    ])
  })

  it('hold all of the text but white space, in order, whatever it is', () => {
    const piece = fc.constantFrom(
      ...'. ! ? … 。 " ) [1] z.B. Dr. 3. a A I \n \n\n -'.split(' '),
      ' ',
      'Word',
      'ö',
      '漢',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('')
        let last = 0
        for (const { from, to } of sentenceSpans(text)) {
          expect(text.slice(last, from).trim()).toBe('')
          expect(to).toBeGreaterThan(from)
          last = to
        }
        expect(text.slice(last).trim()).toBe('')
      }),
    )
  })

  it('are found in time in proportion to the text', () => {
    for (const text of [
      '. '.repeat(200_000),
      `${' '.repeat(400_000)}.`,
      '\n '.repeat(200_000),
      'a'.repeat(400_000),
      '*'.repeat(400_000),
      '.'.repeat(400_000),
      '.)*'.repeat(130_000),
    ]) {
      const before = process.cpuUsage()
      sentenceSpans(text)
      expect(process.cpuUsage(before).user, JSON.stringify(text.slice(0, 4))).toBeLessThan(3e6)
    }
  })
})

describe('whether a sentence has ended before a place', () => {
  it.each([
    ['It is done. ', true],
    ['It is done.” ', true],
    ['The claim stands. [1] ', true],
    ['See Fig. ', false],
    ['The fee (cf. ', false],
    ['Am 3. ', false],
    ['完了です。', true],
    ['no end ', false],
  ])('%j: %s', (text, ended) => {
    expect(sentenceEndsBefore(`${text}5 März`, text.length)).toBe(ended)
  })

  it('agrees with the spans', () => {
    const text = 'Dr. Miller came on 3. März. He left (cf. p. 5). “Why?” he asked. The end. 完了です。次です。'
    const ends = sentenceSpans(text).map(({ to }) => to)
    for (let at = 1; at <= text.length; at += 1) {
      if (/\s/.test(text[at - 1] ?? '')) continue
      expect(sentenceEndsBefore(text, at), text.slice(0, at)).toBe(ends.includes(at))
    }
  })
})
