/** Text in every encoding that people still send: the right letters, and a receipt that says what was guessed. */
import * as fc from 'fast-check'
import iconv from 'iconv-lite'
import { describe, expect, test } from 'vitest'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'
import { decodeText } from './text-encoding.ts'

const { notice } = fileWording

const texts = {
  ru: 'Договор поставки заключён в Москве. Товар оплачивается в течение десяти дней.',
  uk: 'Договір поставки укладено в Києві. Їжа та інші товари оплачуються протягом десяти днів.',
  bg: 'Договорът за доставка е сключен в София. Стоката се заплаща в срок от десет дни.',
  de: 'Die Lieferung erfolgt nächste Woche nach Köln. Für Rückfragen stehen wir natürlich gerne zur Verfügung, schöne Grüße.',
  fr: 'Le marché a été conclu à Genève le 3 février. Les délais prévus seront respectés, comme l’année dernière.',
  pl: 'Umowa została zawarta w Łodzi. Płatność nastąpi w ciągu dziesięciu dni, wszystkie części są dostępne.',
  cs: 'Smlouva byla uzavřena v Brně. Zboží bude zaplaceno během deseti dnů, děkujeme za důvěru a těšíme se.',
  hu: 'A szerződést Győrben kötötték. A fizetés tíz napon belül történik, köszönjük szíves együttműködésüket.',
  tr: 'Sözleşme İstanbul şubesinde imzalandı. Ödeme on gün içinde yapılacaktır, teşekkür ederiz, iyi çalışmalar dileğiyle.',
  el: 'Η σύμβαση υπογράφηκε στην Αθήνα. Η πληρωμή γίνεται εντός δέκα ημερών.',
  he: 'החוזה נחתם בתל אביב. התשלום יתבצע תוך עשרה ימים.',
  ar: 'تم توقيع العقد في القاهرة. يتم الدفع خلال عشرة أيام من تاريخ الاستلام.',
  th: 'สัญญานี้ลงนามที่กรุงเทพมหานคร ชำระเงินภายในสิบวันนับจากวันที่ได้รับสินค้า',
  lt: 'Sutartis pasirašyta Šiauliuose. Už prekes sumokama per dešimt dienų, žiūrėkite sąlygas žemiau.',
  ja: '契約は東京で締結されました。支払いは十日以内に行われます。よろしくお願いします。',
  ko: '계약은 서울에서 체결되었습니다. 대금은 열흘 이내에 지급됩니다.',
  zh: '合同在北京签订。货款应在十天内支付，请查收附件。',
  tw: '合約在台北簽訂。貨款應在十天內支付，請查收附件。',
}
type Language = keyof typeof texts

/** Written by hand, because iconv cannot: the escape sequences and seven-bit forms of EUC. */
const shifted = {
  'ISO-2022-KR': (text: string) =>
    Buffer.concat([
      Buffer.from('\x1b$)C'),
      ...runs(text, (run) => Buffer.concat([Buffer.from([14]), seven(iconv.encode(run, 'euc-kr')), Buffer.from([15])])),
    ]),
  'ISO-2022-CN': (text: string) =>
    Buffer.concat([
      Buffer.from('\x1b$)A'),
      ...runs(text, (run) => Buffer.concat([Buffer.from([14]), seven(iconv.encode(run, 'gbk')), Buffer.from([15])])),
    ]),
  'HZ-GB-2312': (text: string) =>
    Buffer.concat(
      runs(text, (run) => Buffer.concat([Buffer.from('~{'), seven(iconv.encode(run, 'gbk')), Buffer.from('~}')])),
    ),
  'ISO-2022-JP': (text: string) =>
    Buffer.concat(
      runs(text, (run) =>
        Buffer.concat([Buffer.from('\x1b$B'), seven(iconv.encode(run, 'euc-jp')), Buffer.from('\x1b(B')]),
      ),
    ),
}
const seven = (bytes: Buffer) => Buffer.from(bytes.map((byte) => byte & 0x7f))
const runs = (text: string, wide: (run: string) => Buffer) =>
  text.match(/\P{ASCII}+|\p{ASCII}+/gu)?.map((run) => (run.charCodeAt(0) > 127 ? wide(run) : Buffer.from(run))) ?? []

describe('a text of some lines', () => {
  test.each<[Language, string, string]>([
    ['ru', 'win1251', 'Windows-1251'],
    ['ru', 'koi8-r', 'KOI8-R or KOI8-U'],
    ['ru', 'cp866', 'CP866'],
    ['ru', 'cp855', 'CP855'],
    ['ru', 'iso-8859-5', 'ISO-8859-5'],
    ['uk', 'win1251', 'Windows-1251'],
    ['uk', 'koi8-u', 'KOI8-U'],
    ['bg', 'win1251', 'Windows-1251'],
    ['bg', 'cp855', 'CP855'],
    ['de', 'win1252', 'Windows-1252'],
    ['fr', 'win1252', 'Windows-1252'],
    ['pl', 'win1250', 'Windows-1250'],
    ['pl', 'iso-8859-2', 'ISO-8859-2'],
    ['pl', 'cp852', 'CP852'],
    ['cs', 'win1250', 'Windows-1250'],
    ['hu', 'win1250', 'Windows-1250'],
    ['tr', 'win1254', 'Windows-1254'],
    ['tr', 'iso-8859-9', 'Windows-1254'],
    ['tr', 'cp857', 'CP857'],
    ['el', 'win1253', 'Windows-1253 or ISO-8859-7'],
    ['el', 'iso-8859-7', 'ISO-8859-7 or Windows-1253'],
    ['he', 'win1255', 'Windows-1255 or ISO-8859-8'],
    ['ar', 'win1256', 'Windows-1256'],
    ['ar', 'iso-8859-6', 'ISO-8859-6'],
    ['th', 'tis620', 'Windows-874'],
    ['lt', 'win1257', 'Windows-1257'],
    ['ja', 'shift_jis', 'Shift-JIS'],
    ['ja', 'euc-jp', 'EUC-JP'],
    ['ko', 'euc-kr', 'EUC-KR'],
    ['zh', 'gbk', 'GB18030'],
    ['tw', 'big5', 'Big5'],
  ])('in %s as %s', async (language, encoding, called) => {
    const text = texts[language]
    const read = await readHere('note.txt', iconv.encode(text, encoding))
    expect(read.text).toBe(text)
    const told = called
      .split(' or ')
      .flatMap((one) => [notice.assumedEncoding('note.txt', one), notice.guessedEncoding('note.txt', one)])
    expect(told).toContain(read.problems[0]?.userMessage)
    expect(read.outcome).toBe(read.problems[0]?.code === 'text_encoding' ? 'read' : 'partly')
  })

  test.each<[Language, keyof typeof shifted]>([
    ['ja', 'ISO-2022-JP'],
    ['ko', 'ISO-2022-KR'],
    ['zh', 'ISO-2022-CN'],
    ['zh', 'HZ-GB-2312'],
  ])('in %s as %s, for certain', async (language, encoding) => {
    const text = `${texts[language]}\nTotal: 12~13 EUR`
    const bytes = shifted[encoding](encoding === 'HZ-GB-2312' ? text.replaceAll('~', '~~') : text)
    expect(await readHere('note.txt', bytes)).toMatchObject({ text, problems: [], outcome: 'read' })
  })

  test.each<[Language, string]>([
    ['ru', 'utf-16le'],
    ['ru', 'utf-16be'],
    ['zh', 'utf-16le'],
    ['ja', 'utf-16be'],
    ['de', 'utf-32le'],
    ['ar', 'utf-32be'],
  ])('in %s as %s without a mark, for certain', async (language, encoding) => {
    const text = texts[language].replace(/[.。] ?/g, '.\n').trim()
    const bytes = iconv.encode(text, encoding, { addBOM: false })
    expect(await readHere('note.txt', bytes)).toMatchObject({ text, problems: [], outcome: 'read' })
  })
})

describe('a line of UTF-16 without a mark, for certain', () => {
  test.each([
    '会議は三時です。',
    '東京都千代田区丸の内一丁目',
    'これはテストです',
    '违约金为合同总额的百分之五',
    '合同编号为A-17，金额5000元。',
    '계약서를 보내 주세요',
  ])('%s', async (text) => {
    for (const encoding of ['utf-16le', 'utf-16be']) {
      const bytes = iconv.encode(text, encoding, { addBOM: false })
      expect(await readHere('note.txt', bytes)).toMatchObject({ text, problems: [], outcome: 'read' })
    }
    for (const encoding of ['shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr'])
      expect(decodeText(iconv.encode(text, encoding), 'note.txt').encoding).not.toMatch(/utf-16/)
  })
})

describe('plain text that reads as Chinese in UTF-16', () => {
  test('stays what it is', async () => {
    const ascii = fc.string({ unit: fc.constantFrom(...'0 0 1a e/il:.\n'), minLength: 4, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(ascii, fc.integer({ min: 1, max: 20 }), async (piece, times) => {
        const text = `file ${piece}`.repeat(times)
        expect(decodeText(Buffer.from(text), 'note.txt')).toMatchObject({ text, encoding: 'utf-8' })
        const accented = `${text} café`
        expect(decodeText(iconv.encode(accented, 'win1252'), 'note.txt').encoding).not.toMatch(/utf-16/)
      }),
      { numRuns: 2000 },
    )
    const found = 'file 0 0'.repeat(20)
    expect(decodeText(Buffer.from(found), '0.txt')).toMatchObject({ text: found, encoding: 'utf-8' })
  })

  test.each([
    ['with the end mark of DOS', 'passwor\u001a', 'utf-8'],
    ['with form feeds', 'name00 0\fabcdefg\v\u001b[0m\u007f', 'utf-8'],
  ])('%s is read', async (_, text, encoding) => {
    expect(decodeText(Buffer.from(text), 'note.txt')).toMatchObject({ text, encoding })
    expect(await readHere('note.txt', Buffer.from(text))).toMatchObject({ outcome: 'read' })
  })

  test.each([
    ['win1252', 'abcdefgÿ'],
    ['win1251', ' я КНИГА'],
    ['koi8-r', 'стол Ъяа'],
    ['iso-8859-5', 'КНИГАџаџ'],
    ['euc-kr', '계약계약 \u001a'],
    ['shift_jis', '\u001a東京ﾃｽﾄ'],
    ['win1252', '0°0°0°0°'],
  ])('in %s stays a text of bytes: %j', (encoding, text) => {
    expect(decodeText(iconv.encode(text, encoding), 'note.txt').encoding).not.toMatch(/utf-(?:16|32)/)
  })

  test.each([
    ['win1251', texts.ru, 'яЯ'],
    ['koi8-r', texts.ru, 'ЪЪ'],
    ['win1252', texts.fr, 'ÿŸ'],
    ['cp437', texts.de, '\u00a0é'],
    ['gbk', texts.zh, '0\u001a'],
    ['big5', texts.tw, '0\u001a'],
    ['euc-jp', texts.ja, '0\u001a'],
    ['euc-kr', texts.ko, '0\u001a'],
  ])('any words in %s stay a text of bytes', async (encoding, language, signs) => {
    const words = [...language.split(/(?<=[ 。，])/), ...language.slice(0, 12), ...signs, '\f', ' ', '0', '\n']
    await fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 }), (some) => {
        const bytes = iconv.encode(some.join(''), encoding)
        expect(decodeText(bytes, 'note.txt').encoding).not.toMatch(/utf-(?:16|32)/)
      }),
      { numRuns: 300, seed: 27 },
    )
  })
})

describe('a text that declares its encoding', () => {
  test.each([
    ['an XML file', 'order.xml', 'iso-8859-5', '<?xml version="1.0" encoding="ISO-8859-5"?>\n<заказ>Пётр</заказ>'],
    ['an XML file', 'order.xml', 'cp855', "<?xml version='1.0' encoding='IBM855'?>\n<a>Щука</a>"],
    [
      'an XML file',
      'order.xml',
      'win1254',
      '<?xml version="1.0" encoding="windows-1254" standalone="yes"?>\n<a>Şube</a>',
    ],
    ['a page', 'page.html', 'cp866', '<html><meta charset=ibm866><p>Щука'],
    [
      'a page',
      'page.html',
      'iso-8859-9',
      '<html><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-9"><p>Şube',
    ],
  ])('%s (%s, %s) is read by it', async (_, name, encoding, text) => {
    const read = await readHere(name, iconv.encode(text, encoding))
    expect(read.text).toContain(/Пётр|Щука|Şube/.exec(text)?.[0])
    expect(read).toMatchObject({ problems: [], outcome: 'read' })
  })

  test('a declaration that the bytes contradict does not count', () => {
    const text = '<?xml version="1.0" encoding="utf-8"?><a>Größe für Übergänge, schöne Grüße aus Köln</a>'
    expect(decodeText(iconv.encode(text, 'win1252'), 'a.xml')).toMatchObject({ text, encoding: 'windows-1252' })
  })
})

describe('a few characters', () => {
  test('the guess is named, and the receipt says partly', async () => {
    const read = await readHere('cafe.txt', iconv.encode('Meet at the café', 'win1252'))
    expect(read).toMatchObject({ text: 'Meet at the café', outcome: 'partly' })
    expect(read.problems[0]?.userMessage).toBe(notice.guessedEncoding('cafe.txt', 'Windows-1252'))
  })

  test.each(['It’s “fine” – we’ll see', 'Price: £5 or €6 …'])(
    'English with signs of Windows (%s) is certain',
    async (text) => {
      const read = await readHere('note.txt', iconv.encode(text, 'win1252'))
      expect(read).toMatchObject({ text, outcome: 'read' })
    },
  )
})

test('the first lines of a table in CP866 are text and a table', async () => {
  const read = await readHere('цены.csv', iconv.encode('Товар;Цена\nМолоко;75,50\nХлеб;40,00\n', 'cp866'))
  expect(read).toMatchObject({ mediaType: 'text/csv', text: 'Товар | Цена\nМолоко | 75,50\nХлеб | 40,00' })
})

test('noise is not text', async () => {
  const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => 1 + ((i * i * 7919) % 255)))
  await expect(readHere('noise.txt', noise)).rejects.toMatchObject({ code: 'file_unsupported' })
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each([
    ['23-decl-8859-5.xml', 'Иванов Пётр', 'read'],
    ['23-iso2022jp.txt', '会議は金曜日の午後三時です。', 'read'],
    ['23-price-cp866.csv', 'Молоко | 75,50 | 10', 'read'],
    ['23-short-gbk.txt', '会议时间：下午三点\n地点：二号楼', 'read'],
    ['23-sep.csv', 'Name | Amount\nAnn | 1,5\nBo | 2,5', 'read'],
  ])('%s', async (name, text, outcome) => {
    const read = await readHere(name, caseFile(name))
    expect(read.text).toContain(text)
    expect(read.text).not.toContain('sep=')
    expect(read.outcome).toBe(outcome)
  })
})
